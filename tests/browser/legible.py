"""What of the text in a page's plots lies over other text, or is cut at the edge of its plot."""

from playwright.sync_api import Page

FAULTS = """
() => {
  const faults = [];
  for (const plot of document.querySelectorAll('.js-plotly-plot')) {
    const frame = plot.getBoundingClientRect();
    if (!frame.width) continue;
    const title = (plot.querySelector('.gtitle')?.textContent ?? '').slice(0, 40);
    const texts = [...plot.querySelectorAll('.main-svg text')]
      .filter(text => text.textContent.trim() && !text.closest('.modebar, .hoverlayer') && shown(text))
      .map(text => ({words: text.textContent.trim(), turned: turned(text), box: text.getBoundingClientRect()}))
      .filter(({box}) => box.width && box.height);
    for (const {words, box} of texts)
      if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.top < frame.top - 2
          || box.bottom > frame.bottom + 2)
        faults.push(`${title}: cut: ${words}`);
    texts.forEach((one, index) => {
      for (const other of texts.slice(index + 1)) {
        if (one.turned && other.turned) continue;  // their boxes are larger than they
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (wide > 2 && high > 4) faults.push(`${title}: ${one.words} | ${other.words}`);
      }
    });
  }
  return faults;

  function shown(text) {
    for (let node = text; node && node.nodeType === 1; node = node.parentNode) {
      const style = getComputedStyle(node);
      if (style.display === 'none' || style.visibility === 'hidden' || style.opacity === '0') return false;
    }
    return true;
  }
  function turned(text) {
    const [, angle] = /rotate\\((-?[\\d.]+)/.exec(text.getAttribute('transform') ?? '') ?? [0, 0];
    return Math.abs(angle) % 90 > 1;
  }
}
"""


def crowded(page: Page) -> list[str]:
    """Each with the title of its plot."""
    return page.evaluate(FAULTS)
