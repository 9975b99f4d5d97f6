"""Published numbers, as data with their source.

The source is the supplemental material of K. Yang, B. Russell, J. Salamon, "Telling Left from Right: Learning Spatial
Correspondence of Sight and Sound", CVPR 2020. The tables of the paper's main text are not held: what they say is unknown here
and is never filled in.
"""

from dataclasses import dataclass
from typing import Literal

PAPER = (
    "K. Yang, B. Russell, J. Salamon, “Telling Left from Right: Learning Spatial Correspondence of Sight and Sound”, "
    "CVPR 2020, supplemental material"
)


@dataclass(frozen=True)
class Correlation:
    """A row of the supplement's Table 1: how one localisation correlates with the log energy difference.

    key : the measured counterpart's name in the metrics of `localize`: `localize.<key>.pearson` and `.spearman`.
    """

    name: str
    key: str
    modality: Literal["sound", "picture"]
    pearson: float | None
    spearman: float | None

    def metric(self, statistic: Literal["pearson", "spearman"]) -> str:
        """The metrics key of the measured counterpart."""
        return f"localize.{self.key}.{statistic}"

    def published(self, statistic: Literal["pearson", "spearman"]) -> float | None:
        """The published number; None where unknown."""
        return self.pearson if statistic == "pearson" else self.spearman


TABLE_1: tuple[Correlation, ...] = (
    Correlation("Sound prior", "sound_prior", "sound", 0.062, 0.101),
    Correlation("PCA proj", "pca", "sound", 0.709, 0.790),
    Correlation("CCA proj", "cca", "sound", 0.909, 0.876),
    Correlation("Salience prior", "salience_prior", "picture", 0.008, 0.012),
    Correlation("Motion prior", "motion_prior", "picture", 0.009, 0.001),
    Correlation("Predicted ROI", "roi", "picture", 0.259, 0.286),
)
"""Supplement, Table 1: Pearson and Spearman correlation with the log energy difference between the channels."""


@dataclass(frozen=True)
class Upmixing:
    """A row of an independent paper's table on mono made stereo: STFT and ENV distance on two sets; lower is better."""

    name: str
    youtube_asmr: tuple[float, float]
    fair_play: tuple[float, float]


PSEUDO_BINAURAL = (
    "X. Xu et al., “Visually Informed Binaural Audio Generation without Binaural Audios” (PseudoBinaural), CVPR 2021"
)
UPMIXING: tuple[Upmixing, ...] = (
    Upmixing("mono-mono", (0.286, 0.070), (1.024, 0.145)),
    Upmixing("Mono2Binaural", (0.198, 0.055), (0.917, 0.137)),
)
"""What others measured of mono and of the model of 2.5D Visual Sound; on FAIR-Play over five scene-disjoint splits."""


@dataclass(frozen=True)
class SphereAccuracy:
    """A row of the supplement's Table 2: the share of clips whose rotation is recognised.

    variant : the measured counterpart's name: `evaluate360.<variant>.accuracy`. num_right : of NUM_SPHERE_CLIPS, which the
    published digits leave no doubt of.
    """

    name: str
    variant: str
    accuracy: float
    num_right: int


NUM_SPHERE_CLIPS = 860
TABLE_2: tuple[SphereAccuracy, ...] = (
    SphereAccuracy("ResNet-18", "full", 0.58605, 504),
    SphereAccuracy("ResNet-18 (supervised)", "supervised", 0.57791, 497),
    SphereAccuracy("No W channel", "no_w", 0.61395, 528),
    SphereAccuracy("No X, Y, Z channels", "no_xyz", 0.49535, 426),
)
"""Supplement, Table 2: accuracy of the rotation task. All four are k / 860, so that each is known to about 0.033."""


@dataclass(frozen=True)
class AlignmentError:
    """A row of the supplement's Table 3: alignment error in degrees at low, medium and high confidence.

    variant : the measured counterpart's name: `evaluate360.<variant>.alignment_<confidence>_deg`.
    """

    name: str
    variant: str
    low: float
    medium: float
    high: float

    def published(self, confidence: str) -> float:
        """The published number of one of `leftright.metrics.alignment.GROUPS`."""
        return {"low": self.low, "medium": self.medium, "high": self.high}[confidence]


TABLE_3: tuple[AlignmentError, ...] = (
    AlignmentError("Original", "full", 65.34, 50.51, 19.06),
    AlignmentError("Shorter clips (1 s)", "short", 71.05, 55.23, 38.21),
    AlignmentError("Harder negatives", "harder", 74.69, 66.65, 47.00),
)
"""Supplement, Table 3; lower is better, 90 is random, 180 the worst. Its N is unknown."""


@dataclass(frozen=True)
class NotRun:
    """Published tables that cannot be set beside measured ones, and why."""

    name: str
    reason: str


NOT_HELD = "what they say is not held, so unknown; what `finetune` measures of the same tasks stands above"
OTHER_TABLES: tuple[NotRun, ...] = (
    NotRun("Main text, Tables 1 to 5: sounding-face tracking, audio spatialization, source separation", NOT_HELD),
)
