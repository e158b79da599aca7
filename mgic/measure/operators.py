"""How many multiply-accumulates does one call of an operator do, told from shapes?

Counted are the operators that sum products: convolutions, products of matrices and vectors,
and what has some of those inside, attention and recurrent layers among them. A table has a
formula for each, a closed list has those that do none, and nothing is said of any other.

Not a multiply-accumulate: what works element by element, even where a sum follows (a weighted
sum written as `(w * x).sum()`, an outer product, which sums nothing), a bias, a norm, a mean, a
transform of a picture's size. A masked or causal attention counts as a full one, padding as data,
a complex number as a real one, but a complex convolution as the three real ones that torch makes
of it.

It is the operator that decides, not the mathematics: what torch itself writes as elementwise steps
and a sum is nothing. So `dot` counts, and `torch.linalg.vecdot` of two vectors, while `vecdot` of
many and `F.cosine_similarity` do not; `cdist`, `pdist` and `dist` count a Euclidean distance, and
`F.pairwise_distance`, the norm of a difference, does not.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

Formula = Callable[[Sequence[Any], Tensor], int | None]  # of the positional arguments and the output


def find(operator: Any) -> Formula | None:
    """The formula of an operator; None if it is in neither table.

    In-place and `out=` variants are those they vary. A formula gives None for a call it does not cover.
    """
    schema = getattr(operator, "_schema", None)  # a higher-order operator has none
    if schema is None:
        return None
    name = schema.name.removeprefix("aten::")
    if name.endswith("_") and not name.endswith("__"):
        name = name[:-1]
    return nothing if name in _NOTHING else _PRODUCTS.get(name)


def nothing(_arguments: Sequence[Any], _output: Any) -> int:
    """Of what does no product."""
    return 0


def _product(a: Tensor, b: Tensor) -> int | None:
    """(..., m, k) by (..., k, n), or by a vector of k: each stored element of one meets its n partners of the other."""
    n = b.shape[-1] if b.dim() > 1 else 1
    if a.layout is torch.strided and b.layout is torch.strided:
        return a.numel() * n
    if b.layout is torch.strided:
        return _stored(a) * n
    return _stored(b) * a.shape[-2] if a.layout is torch.strided else None


def _stored(x: Tensor) -> int:
    """Elements that a sparse tensor keeps, zeros in its blocks among them."""
    return (x._values() if x.layout is torch.sparse_coo else x.values()).numel()


def _of_factors(first: int) -> Formula:
    """A product of the two arguments from this one on."""
    return lambda arguments, _: _product(arguments[first], arguments[first + 1])


def _convolution(arguments: Sequence[Any], output: Tensor) -> int:
    """The kernel of its group once for each output element, or, transposed, for each input element."""
    x, weight, transposed = arguments[0], arguments[1], arguments[6]
    spread: Tensor = x if transposed else output
    return int(spread.numel() * prod(weight.shape[1:]))


def _convolution_tbc(arguments: Sequence[Any], output: Tensor) -> int:
    """Weights are (kernel, channels_in, channels_out)."""
    return int(output.numel() * prod(arguments[1].shape[:2]))


def _deformed(arguments: Sequence[Any], output: Tensor) -> int:
    """As the convolution; finding the values between pixels is a resizing."""
    return int(output.numel() * prod(arguments[1].shape[1:]))


def _affine_grid(arguments: Sequence[Any], output: Tensor) -> int:
    """Each point of the grid by a matrix of (dims, dims + 1)."""
    return output.numel() * int(arguments[0].shape[-1])


def _distances(arguments: Sequence[Any], output: Tensor) -> int:
    """A squared Euclidean distance is the product of a difference with itself; other distances have no products.

    So it counts, however they are computed: for many points torch takes them from the product of the two sets.
    """
    euclidean = len(arguments) < 3 or arguments[2] == 2
    return output.numel() * int(arguments[0].shape[-1]) if euclidean else 0


def _distances_within(arguments: Sequence[Any], output: Tensor) -> int:
    euclidean = len(arguments) < 2 or arguments[1] == 2
    return output.numel() * int(arguments[0].shape[-1]) if euclidean else 0


def _distance(arguments: Sequence[Any], _output: Any) -> int:
    """One, between two tensors as wholes."""
    euclidean = len(arguments) < 3 or arguments[2] == 2
    return prod(torch.broadcast_shapes(*(x.shape for x in arguments[:2]))) if euclidean else 0  # type: ignore[no-untyped-call]


def _bag(arguments: Sequence[Any], _output: Any) -> int:
    """Each row that is looked up by its weight; without weights rows are only summed."""
    weighted = len(arguments) > 6 and arguments[6] is not None
    return int(arguments[1].numel() * arguments[0].shape[1]) if weighted else 0


def _bilinear(arguments: Sequence[Any], _output: Any) -> int | None:
    """sum_ij x_i w_oij y_j as torch and einsum compute it: x by w first, then what came of it, (batch, o, j), by y."""
    x, weight, _, *expanded, summed = arguments[:7]
    if (expanded, summed) != ([[1, 3], [0], [1, 2]], [2, 3]):
        return None
    out, _, second = weight.shape
    return int(x.shape[0] * (weight.numel() + out * second))


def _attention(arguments: Sequence[Any], _output: Any) -> int:
    """softmax(q k') v; q is (..., tokens, dims), and of grouped queries each has its own head."""
    q, k, v = arguments[:3]
    return int(prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1]))


def _attention_layer(arguments: Sequence[Any], _output: Any) -> int:
    """`nn.MultiheadAttention` in one call: three maps in, the attention of all heads, a map out."""
    (batch, tokens, width), others = arguments[0].shape, arguments[1].shape[1]
    return int(batch * (2 * (tokens + others) * width**2 + 2 * tokens * others * width))


def _encoder_layer(arguments: Sequence[Any], output: Any) -> int:
    """`nn.TransformerEncoderLayer` in one call: attention among the tokens, and two maps of each."""
    batch, tokens, _ = arguments[0].shape
    first, second = arguments[14], arguments[16]
    maps = tokens * (first.numel() + second.numel())
    return int(batch * maps) + _attention_layer((arguments[0], arguments[0]), output)


def _recurrent(arguments: Sequence[Any], _output: Any) -> int:
    """One layer of an LSTM in one call: both weights of all gates at each step."""
    x, of_input, of_state = arguments[:3]
    return int(prod(x.shape[:2]) * (of_input.numel() + of_state.numel()))


_PRODUCTS: dict[str, Formula] = {
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot"), _of_factors(0)),
    **dict.fromkeys(("addmm", "baddbmm", "addbmm", "addmv", "_sparse_addmm"), _of_factors(1)),
    "convolution": _convolution,
    "_convolution": _convolution,  # of traced networks
    "conv_tbc": _convolution_tbc,
    "torchvision::deform_conv2d": _deformed,
    "affine_grid_generator": _affine_grid,
    "_cdist_forward": _distances,
    "_euclidean_dist": _distances,
    "_pdist_forward": _distances_within,
    "dist": _distance,
    "_embedding_bag": _bag,
    "_embedding_bag_forward_only": _bag,
    "_trilinear": _bilinear,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "_scaled_dot_product_fused_attention_overrideable": _attention,
    "_native_multi_head_attention": _attention_layer,
    "_transformer_encoder_layer_fwd": _encoder_layer,
    "mkldnn_rnn_layer": _recurrent,
}

_ELEMENTWISE = """
    __iand__ __ilshift__ __ior__ __irshift__ __ixor__ __lshift__ __rshift__ _add_relu _conj _conj_physical _neg_view
    _prelu_kernel _thnn_fused_gru_cell _thnn_fused_lstm_cell abs acos acosh add addcdiv addcmul addr angle asin asinh
    atan atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil celu
    clamp clamp_max clamp_min complex conj_physical copysign cos cosh deg2rad digamma div elu eq equal erf erfc erfinv
    exp exp2 expm1 floor floor_divide fmax fmin fmod frac frexp gcd ge gelu glu gt hardshrink hardsigmoid hardswish
    hardtanh heaviside hypot i0 igamma igammac isin isinf isnan isneginf isposinf lcm ldexp le leaky_relu lerp lgamma
    linalg_cross log log10 log1p log2 log_sigmoid_forward logaddexp logaddexp2 logical_and logical_not logical_or
    logical_xor logit lt masked_fill maximum minimum mish mul mvlgamma nan_to_num ne neg nextafter polar polygamma pow
    rad2deg reciprocal relu remainder round rrelu_with_noise rsqrt rsub sgn sigmoid sign signbit silu sin sinc sinh
    softplus softshrink special_entr special_erfcx special_i0e special_i1 special_i1e special_log_ndtr special_ndtri
    special_xlog1py special_zeta sqrt sub tan tanh threshold trunc where xlogy
"""
_NORMS = """
    _batch_norm_no_update _batch_norm_with_update _fused_rms_norm _log_softmax _masked_softmax
    _native_batch_norm_legit _native_batch_norm_legit_functional _native_batch_norm_legit_no_training _safe_softmax
    _softmax _sparse_log_softmax _sparse_softmax _weight_norm_interface cudnn_batch_norm linalg__powsum
    linalg_vector_norm log_softmax miopen_batch_norm native_batch_norm native_group_norm native_layer_norm
    native_norm norm renorm softmax
"""
_POOLINGS_AND_SUMS = """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _aminmax _cummax_helper _cummin_helper
    _is_all_true _is_any_true _logcumsumexp _sparse_sum adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d all amax amin aminmax any argmax
    argmin avg_pool1d avg_pool2d avg_pool3d bincount count_nonzero cummax cummin cumprod cumsum fractional_max_pool2d
    fractional_max_pool3d histc kthvalue logcumsumexp logsumexp max max_pool2d_with_indices max_pool3d_with_indices
    max_unpool2d max_unpool3d mean median min mode nanmedian nansum prod segment_reduce std std_mean sum
    torchvision::nms torchvision::ps_roi_align torchvision::ps_roi_pool torchvision::roi_align torchvision::roi_pool
    trace var var_mean
"""
_LOSSES = """
    _ctc_loss binary_cross_entropy binary_cross_entropy_with_logits huber_loss mse_loss multi_margin_loss
    multilabel_margin_loss_forward nll_loss2d_forward nll_loss_forward smooth_l1_loss soft_margin_loss
"""
_COPIES_AND_VIEWS = """
    _assert_async _assert_scalar _assert_tensor_metadata _coalesce _coalesced _functional_assert_async
    _functional_assert_scalar _fused_sdp_choice _fw_primal _indices _lazy_clone _linalg_check_errors
    _local_scalar_dense _make_dual
    _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned _nnz _pack_padded_sequence _pin_memory
    _reshape_alias _reshape_copy _sparse_coo_tensor_with_dims _sparse_coo_tensor_with_dims_and_tensors _stack _to_copy
    _to_dense _to_sparse _to_sparse_csr _unsafe_view _values alias alias_copy allclose as_strided as_strided_copy
    as_strided_scatter block_diag cat ccol_indices channel_shuffle clone col_indices constant_pad_nd copy crow_indices
    dense_dim detach detach_copy diag_embed diagonal diagonal_copy diagonal_scatter expand expand_copy fill flip
    indices is_coalesced is_pinned is_same_size is_set_to lift lift_fresh lift_fresh_copy narrow_copy permute
    permute_copy pixel_shuffle pixel_unshuffle record_stream reflection_pad1d reflection_pad2d reflection_pad3d repeat
    replication_pad1d replication_pad2d replication_pad3d resize resize_as roll rot90 row_indices select select_copy
    select_scatter set slice slice_copy slice_inverse slice_scatter sparse_dim split split_copy split_with_sizes
    split_with_sizes_copy squeeze squeeze_copy stack sym_constrain_range sym_constrain_range_for_size t t_copy
    to_mkldnn to_padded_tensor transpose transpose_copy tril triu unbind unbind_copy unfold unfold_copy unsafe_split
    unsafe_split_with_sizes unsqueeze unsqueeze_copy values view view_as_complex view_as_complex_copy view_as_real
    view_as_real_copy view_copy zero
"""
_NEW_AND_RANDOM = """
    _efficientzerotensor _fused_dropout _sample_dirichlet _standard_gamma arange bartlett_window bernoulli binomial
    blackman_window cauchy empty empty_like empty_permuted empty_strided exponential eye fft_fftfreq fft_rfftfreq full
    full_like geometric hamming_window hann_window kaiser_window linspace log_normal logspace multinomial
    native_dropout new_empty new_empty_strided new_full new_ones new_zeros normal normal_functional ones ones_like
    poisson rand rand_like randint randint_like randn randn_like random randperm range scalar_tensor
    sparse_compressed_tensor sparse_coo_tensor tril_indices triu_indices uniform zeros zeros_like
"""
_INDEXING = """
    _index_put_impl _unique _unique2 _unsafe_index _unsafe_index_put _unsafe_masked_index
    _unsafe_masked_index_put_accumulate argsort bucketize embedding embedding_renorm gather index index_add index_copy
    index_fill index_put index_reduce index_select masked_scatter masked_select nonzero nonzero_static put
    repeat_interleave scatter scatter_add scatter_reduce searchsorted sort sparse_mask take topk unique_consecutive
    unique_dim unique_dim_consecutive
"""
_RESIZING = """
    _grid_sampler_2d_cpu_fallback _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_lanczos2d_aa
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d col2im
    grid_sampler_2d grid_sampler_3d im2col upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d
    upsample_nearest2d upsample_nearest3d upsample_trilinear3d
"""
_NOTHING = frozenset(
    " ".join(
        (
            _ELEMENTWISE,
            _NORMS,
            _POOLINGS_AND_SUMS,
            _LOSSES,
            _COPIES_AND_VIEWS,
            _NEW_AND_RANDOM,
            _INDEXING,
            _RESIZING,
        )
    ).split()
)
