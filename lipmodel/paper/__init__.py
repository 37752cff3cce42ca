"""The paper's Tables 2 and 3: every variant trained and measured alike, its numbers beside the paper's."""

from lipmodel.paper.experiments import ABLATION, COMPARISON, Experiment, run_experiment

__all__ = [
    "ABLATION",
    "COMPARISON",
    "Experiment",
    "run_experiment",
]
