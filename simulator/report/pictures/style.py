"""What does every picture look like? The one style file: of the page's SVG, and of what matplotlib draws.

No matplotlib here, so that a page is written without loading it.
"""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's, which colour-blind readers tell apart; each goes with a marker of its own."""
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY, INK = "#8C8C8C", "#1B1F24"
"""For what is idle, and for a further colour; ink is the text's, white on a dark page."""
FILLS = (*COLOURS, GREY, INK)
"""A series has a number into these, which it keeps in every figure."""
BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, _GREY, _INK = range(len(FILLS))

LEVEL_FILL = {"mac": SKY, "spad": BLUE, "noc": GREEN, "glb": ORANGE, "dram": VERMILION}
TENSOR_FILL = {"ifmap": BLUE, "filter": ORANGE, "psum": GREEN, "mac": SKY}
STATE_FILL = {
    "active": BLUE,
    "unmapped": _GREY,
    "filter_load": ORANGE,
    "ifmap_wait": SKY,
    "psum_in_wait": GREEN,
    "psum_out_wait": _INK,
    "drain": PINK,
    "dram_wait": VERMILION,
}
GRID = "#DDDDDD"
_WEAKEST, _STRONGEST = 0.1, 0.7
"""Opacity of a share of 0 and of 1, where a colour's strength is the share: text upon it can be read in both themes."""
SET_OPACITY = (0.5, 0.25)
"""Of PE sets on even and on odd channels, so that neighbours are told apart under their labels."""

MATPLOTLIB = {
    "figure.facecolor": "white",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "picojoule",
    "pdf.fonttype": 42,
    "savefig.dpi": 150,
}


def strength(share: float) -> float:
    """Opacity that stands for a share, 0 to 1."""
    return _WEAKEST + (_STRONGEST - _WEAKEST) * share
