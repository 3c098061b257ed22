"""What libraries for models print while they fit."""

from __future__ import annotations

from tests.captured.case import Case, Gap, Held
from tests.captured.gaps import past_python
from tests.captured.reasons import LIGHTGBM_THREAD

LIGHTGBM = r"\[LightGBM\] .*"
PARALLEL = Held((r"\[Parallel.* Using backend .*",), late=r"\[Parallel.* Done +2 out of +2 .* finished")
DATA = """
import numpy as np
rows = np.random.default_rng(0).normal(size=(60, 3))
labels = (rows[:, 0] > 0).astype(int)
"""

MODELS = (
    Case(
        "joblib",
        "`verbose`, threads",
        """
import joblib

def work():
    joblib.Parallel(2, backend="threading", verbose=10)(joblib.delayed(abs)(n) for n in range(2))
""",
        PARALLEL,
        alone=True,
    ),
    Case(
        "joblib",
        "`verbose`, processes (loky)",
        """
import joblib

def work():
    joblib.Parallel(2, verbose=10)(joblib.delayed(abs)(n) for n in range(2))
""",
        PARALLEL,
        alone=True,
    ),
    Case(
        "scikit-learn",
        "`GridSearchCV(verbose=3)`",
        DATA
        + """
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

def work():
    GridSearchCV(LogisticRegression(), {"C": [.1, 1]}, cv=2, verbose=3).fit(rows, labels)
""",
        Held((r"Fitting 2 folds for each of 2 candidates, totalling 4 fits", *[r"\[CV \d/2\] END .*"] * 4)),
    ),
    Case(
        "scikit-learn",
        "`GridSearchCV(verbose=3, n_jobs=2)`",
        DATA
        + """
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

def work():
    GridSearchCV(LogisticRegression(), {"C": [.1, 1]}, cv=2, verbose=3, n_jobs=2).fit(rows, labels)
""",
        Held((r"Fitting 2 folds for each of 2 candidates, totalling 4 fits", *[r"\[CV \d/2\] END .*"] * 4)),
        any_order=True,
        gaps=past_python("Fitting 2 folds .*"),
        alone=True,
    ),
    Case(
        "scikit-learn",
        "`MLPClassifier(verbose=True)`",
        DATA
        + """
import warnings
from sklearn.neural_network import MLPClassifier

def work():
    warnings.simplefilter("ignore")
    MLPClassifier((2,), max_iter=2, verbose=True, random_state=0).fit(rows, labels)
""",
        Held((r"Iteration 1, loss = .*", r"Iteration 2, loss = .*")),
    ),
    Case(
        "scikit-learn",
        "`SVC(verbose=True)`, which is libsvm",
        DATA
        + """
from sklearn.svm import SVC

def work():
    SVC(verbose=True).fit(rows, labels)
""",
        Held((r"\[LibSVM\].*", *[r".+"] * 4)),
        gaps=past_python(r"\[LibSVM\]"),
        alone=True,
    ),
    Case(
        "xgboost",
        "`verbose_eval`",
        DATA
        + """
import xgboost

def work():
    data = xgboost.DMatrix(rows, labels)
    xgboost.train({"nthread": 1}, data, 2, evals=[(data, "train")], verbose_eval=True)
""",
        Held((r"\[0\]\ttrain-rmse:.*", r"\[1\]\ttrain-rmse:.*")),
    ),
    Case(
        "xgboost",
        "a bar in a callback",
        DATA
        + """
import time
import xgboost
from tqdm.auto import tqdm

class Bar(xgboost.callback.TrainingCallback):
    def before_training(self, model):
        self.bar = tqdm(total=6)
        return model

    def after_iteration(self, model, epoch, evals_log):
        time.sleep(.05)
        self.bar.update()

    def after_training(self, model):
        self.bar.close()
        return model

def work():
    xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, labels), 6, callbacks=[Bar()])
""",
        Held((r"100%\|█+\| 6/6 \[.*\]",), progress=(6, 6)),
    ),
    Case(
        "lightgbm",
        "`verbose`",
        DATA
        + """
import lightgbm

def work():
    data = lightgbm.Dataset(rows, labels)
    lightgbm.train(
        {"objective": "binary", "verbose": 1, "num_threads": 1, "force_row_wise": True},
        data,
        2,
        valid_sets=[data],
        callbacks=[lightgbm.log_evaluation(1)],
    )
""",
        Held((*[LIGHTGBM] * 6, r"\[1\]\ttraining's .*", LIGHTGBM, r"\[2\]\ttraining's .*")),
        gaps={"thread": Gap(LIGHTGBM_THREAD, Held((r"\[1\]\ttraining's .*", r"\[2\]\ttraining's .*")))},
    ),
)
