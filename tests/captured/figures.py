"""Figures and tables."""

from __future__ import annotations

from tests.captured.case import Case, Held

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
    ),
)
