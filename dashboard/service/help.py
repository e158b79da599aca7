"""The words of these pages, and how their numbers are made."""

import streamlit as st

from dashboard.pages import NEW_SWEEP

st.title("Help", anchor=False)
st.page_link(NEW_SWEEP, label="Make a sweep", icon=":material/add:")
st.markdown(
    """
### In three steps
1. **New sweep**: choose an experiment and one of its recipes, or give several values for a field. The table shows
   what each cell costs before anything is queued.
2. **Run** it. The page of the sweep fills in while its runs end; its address can be shared.
3. Open a **run** for its curves, log and files; *Change and run again* brings its config back into the form.

### Words
**Sweep, run.** A sweep is an experiment with one or more grids over its config fields; each of their cells is a run.

**MACs.** Multiply-accumulates of one image, batch 1. One multiplication with its addition counts 1. Every convolution
and matrix product counts, whoever calls it; norms, activations and biases do not. What the counter does not know is
named.

**FLOPs.** Twice the MACs, and always said so. Papers often print MACs and call them FLOPs.

**R, P.** Restriction and prolongation: the grouped 1 x 1 convolutions that lead to the next coarser set of channels and
back. Their MACs are part of ours. Table 7 of the paper leaves them out, hence the third position of the switch.

**s_g**, the field `group_size`. Channels in a group of the grouped convolutions. A group must divide the channels of
its level, so the real size may be smaller than the one asked for.

**s_c**, the field `coarsest_size`. About how many channels the coarsest level has. There the block mixes them all.

**Coarsening.** `paper`: the fewest halvings until a level has at most s_c channels, none if it has so already.
`paper_min1`: the same, but at least one. `released`: at least one, until a level has fewer than s_c channels, as in the
code that the authors published.

### Means, ranges, intervals
- Runs that differ in the seed only are one point: the mean, with the single runs beside it.
- With 1 run there is no spread. With 2, the bar is the range. From 3 on, it is the 95 % interval of the mean by
  Student's t, which assumes roughly normal values.
- Two points whose intervals overlap may well be equally good. An outlined cell is the best mean, not a proof; best
  is the highest or the lowest, as the result has it, and a result that is neither good high nor low has no outline.
- Where training samples were held out (`validation_share`), the outlined cell and the front are chosen by their score,
  and the test score is shown. Else both are chosen on the test set: the best of many then looks better than it is.
- **No better than guessing**: after no epoch were the test samples answered better than by an answer that is always
  the same, such as the most frequent class, by more than the error of the comparison; or the last loss is more than
  1000 times that answer's.
- A single run may know an interval of its own result, as `latency` does over its rounds: that is its bar. Runs that
  differ in the seed show the spread between them, and only that.
- A box holds the middle half of the passes of one run, its whiskers reach from 5 % to 95 % of them. Below 130 passes
  there are no whiskers: fewer say little about so rare times.
- `latency` has two clocks. **Wall time** is how long a pass takes, with what others computed in between; **CPU time**
  is what the process itself used for it, and is compared with one thread on a processor only.
- Its **control** is the first network, measured a second time: how many times as fast as itself it then was is 1 but
  for noise. By how far from 1 the interval of that ratio reaches, each clock has a **grade**: A up to 3 %, B up to
  10 %, C up to 30 %, D further. On plots the control stands beside its network as `role=control`.
- A cell without a number is hatched and says why. It is never counted as zero.

### The paper's rows
- Our parameters and MACs beside the printed figure: ● match, within 3 %; ◐ further off, but equal when rounded to the
  printed digits; ▲ near, within 10 %; ✖ off. MACs are judged by one rule a table, with R and P or without, which stands
  above the table with its evidence.
- A row whose network has another cost is **another network**, and one that the paper quotes was trained otherwise:
  neither is judged.
- A verdict comes from runs at the row's own scale only, by where one more run would fall: **contradicts** outside,
  **reproduced** inside and shown to be within the row's margin, **within noise** inside and not shown. **Spread
  unknown** is no verdict: one seed, or seeds that tie, do not say how far seeds spread. **Other samples** is none
  either: how much such a figure differs between sets of samples is not known.
- Quick runs are shown and never judged.

### Status of a run
◷ queued · ▶ running · ◌ cancelling · ✔ succeeded · ✖ failed · ⊘ cancelled

### Keyboard
Tab and Shift+Tab move, Enter or Space press, Esc closes a menu, arrow keys move inside tables.
The first Tab of a page offers *Skip to main content*; from a table, Tab goes on after it. What a plot shows stands as a
table, and as SVG, PDF, PNG and CSV, behind *Numbers and files* below it.
"""
)
