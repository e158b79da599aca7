"""Short titles of fields, one for a name wherever it stands: forms, axes, tables and files say the same."""

from typing import Any

# Where the name's own words would not do; each is one thing in every experiment that has it.
TITLES = {
    "group_size": "Group size s_g",
    "coarsest_size": "Coarsest size s_c",
    "effective_group_size": "Effective group size",
    "top1": "Top-1 accuracy",
    "top5": "Top-5 accuracy",
    "top1_before": "Top-1 before pruning",
    "top1_pruned": "Top-1 as pruned",
    "corrupted_top1": "Top-1 of corrupted images",
    "mean_corrupted_top1": "Mean top-1 of corrupted images",
    "miou": "Mean IoU",
    "nll": "Negative log likelihood",
    "macs_without_transfer": "MACs without R and P",
    "transfer_macs": "MACs of R and P",
    "transfer_params": "Parameters of R and P",
    "median_ms": "Median latency",
    "mean_ms": "Mean latency",
    "low_ms": "Median latency, lower end",
    "high_ms": "Median latency, upper end",
    "cpu_median_ms": "Median CPU time",
    "cpu_low_ms": "Median CPU time, lower end",
    "cpu_high_ms": "Median CPU time, upper end",
    "latency_ms": "Latency",
    "speedup": "Speed-up",
    "speedup_low": "Speed-up, lower end",
    "speedup_high": "Speed-up, upper end",
    "cpu_speedup": "Speed-up by CPU time",
    "cpu_speedup_low": "Speed-up by CPU time, lower end",
    "cpu_speedup_high": "Speed-up by CPU time, upper end",
    "control_ratio": "A/A control",
    "control_low": "A/A control, lower end",
    "control_high": "A/A control, upper end",
    "control_cpu_ratio": "A/A control by CPU time",
    "control_cpu_low": "A/A control by CPU time, lower end",
    "control_cpu_high": "A/A control by CPU time, upper end",
    "images_per_second": "Throughput",
    "samples_per_second": "Throughput",
    "lr_step_epochs": "Learning rate steps at",
    "max_steps": "Most steps",
    "size_bytes": "Size of the file",
    "no_better_than_guessing": "No better than guessing",
    "level_pca": "Level, bound of principal components",
    "mse_pca": "MSE, bound of principal components",
    "relative_mse_pca": "Relative MSE, bound of principal components",
    "n": "n",
    "seconds": "Time",
    "foreign_cpu_max": "Foreign CPU, most",
    "val_max_error": "Validation largest error",
}
UNITS = ("ms", "mb", "mhz")  # that names end in, and that stand beside a title anyhow
WORDS = {
    "cpu": "CPU",
    "gpu": "GPU",
    "ema": "EMA",
    "macs": "MACs",
    "flops": "FLOPs",
    "mb": "MB",
    "mhz": "MHz",
    "mse": "MSE",
    "miou": "mean IoU",
    "params": "parameters",
    "pca": "PCA",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "top1": "top-1 accuracy",
    "top5": "top-5 accuracy",
    "val": "validation",
    "nll": "negative log likelihood",
    "finetune": "fine-tuning",
    "dataset": "data set",
    "max": "largest",
}


def title_of(name: str) -> str:
    """`median_ms` is Median latency, `val_top1` is Validation top-1 accuracy, `peak_memory_mb` is Peak memory.

    Args:
        name: Of a field of a config or a result, or of a column of a table.
    """
    if name in TITLES:
        return TITLES[name]
    percentile = name.removesuffix("_ms")
    if percentile[:1] == "p" and percentile[1:].isdecimal():
        return f"{percentile} latency" if name.endswith("_ms") else percentile
    parts = name.split("_")
    if len(parts) > 1 and parts[-1] in UNITS:
        parts.pop()
    text = " ".join(WORDS.get(part, part) for part in parts if part)
    return text[:1].upper() + text[1:]


def titled(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema of pydantic with these titles, where its author gave none; changed in place."""
    for one in (schema, *schema.get("$defs", {}).values()):
        for name, about in one.get("properties", {}).items():
            if about.get("title") in (None, _made_up(name)):
                about["title"] = title_of(name)
    return schema


def _made_up(name: str) -> str:
    """What pydantic writes where nobody gave a title."""
    return name.title().replace("_", " ").strip()
