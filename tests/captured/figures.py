"""Figures and tables."""

from __future__ import annotations

from tests.captured.case import Case, Gap, Held
from tests.captured.gaps import by_ipython
from tests.captured.reasons import AS_TEXT

FIGURES = (
    Case(
        "matplotlib",
        "`plt.show`",
        """
import matplotlib.pyplot as plt

def work():
    plt.plot([1, 2, 3])
    plt.show()
""",
        Held(displays=("image/png",)),
        gaps=by_ipython(r"Figure\(.*\)") | {"detached": Gap(AS_TEXT, Held())},
    ),
    Case(
        "matplotlib",
        "`display(figure)`",
        """
from IPython.display import display
from matplotlib.figure import Figure

def work():
    figure = Figure()
    figure.add_subplot().plot([1, 2, 3])
    display(figure)
""",
        Held(displays=("image/png",)),
        gaps=by_ipython(r"Figure\(.*\)"),
    ),
    Case(
        "plotly",
        "`figure.show`",
        """
import plotly.graph_objects as go

def work():
    go.Figure(go.Scatter(y=[1, 2, 3])).show()
""",
        Held(displays=("application/vnd.plotly.v1+json",)),
        gaps=by_ipython(),
    ),
    Case(
        "plotly",
        "`display(figure)`",
        """
import plotly.graph_objects as go
from IPython.display import display

def work():
    display(go.Figure(go.Scatter(y=[1, 2, 3])))
""",
        Held(displays=("application/vnd.plotly.v1+json",)),
        gaps=by_ipython(r"Figure\(\{", " +'data':.*", r"\}\)"),
    ),
    Case(
        "pandas",
        "`print(frame)`",
        """
import pandas as pd

def work():
    print(pd.DataFrame({"loss": [.5, .25]}))
""",
        Held(("   loss", "0  0.50", "1  0.25")),
    ),
    Case(
        "pandas",
        "`display(frame)`",
        """
import pandas as pd
from IPython.display import display

def work():
    display(pd.DataFrame({"loss": [.5, .25]}))
""",
        Held(displays=("text/html",)),
        gaps=by_ipython("   loss", "0  0.50", "1  0.25"),
    ),
)
