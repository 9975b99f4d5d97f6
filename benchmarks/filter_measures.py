"""How far apart are faulty and valid clips of a simulated world in what the filter measures, and what sets rooms apart?

    python benchmarks/filter_measures.py [--filtered data/filter] [--truth data/simulate/truth.parquet]

Needs a chain that has run. The first table has the range of each fault's measure over the clips that have the fault, and over
the valid ones, beside the limit of `params.yaml`. The second has the distances of clips' scene signatures, within a channel and
between channels.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from leftright.clips import FILTERED, read_table
from leftright.simulation import faults

VALID = (faults.NONE, faults.SWAPPED, faults.MIRRORED, faults.SECOND_FACE)
MEASURES = {
    faults.SILENT: ("rms_db", "silent_db"),
    faults.DUAL_MONO: ("side_to_mid_db", "dual_mono_db"),
    faults.STILL: ("motion", "still_motion"),
    faults.CENTRED: ("offcentre_share", "offcentre_share_min"),
    faults.NO_FACE: ("face_share", "face_share_min"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filtered", type=Path, default=Path("data/filter"))
    parser.add_argument("--truth", type=Path, default=Path("data/simulate/truth.parquet"))
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    table = read_table(arguments.filtered / FILTERED).merge(
        read_table(arguments.truth, ("video", "fault"))[["video", "fault"]], on="video"
    )
    limits = yaml.safe_load(arguments.params.read_text())["filter"]
    valid = table[table["fault"].isin(VALID)]
    print("| fault | measure | clips with it | valid clips | limit |\n|---|---|---|---|---:|")
    for fault, (measure, limit) in MEASURES.items():
        faulty = table[table["fault"] == fault][measure].dropna()
        cells = [f"{part.min():.2f} to {part.max():.2f} ({len(part)})" for part in (faulty, valid[measure].dropna())]
        print(f"| {fault} | `{measure}` | {cells[0]} | {cells[1]} | {limits[limit]} |")
    print_distances(valid)


def print_distances(valid: pd.DataFrame) -> None:
    """Root mean square differences of scene signatures, over all pairs of clips."""
    signatures = np.stack([np.asarray(one) for one in valid["scene_signature"]])
    first, second = np.triu_indices(len(signatures), 1)
    distances = np.sqrt(np.mean((signatures[first] - signatures[second]) ** 2, axis=1))
    channels = valid["channel"].to_numpy()
    is_same = channels[first] == channels[second]
    print(
        "\n| pairs of clips | number | least | first quartile | median | third quartile |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, part in (("of one channel", distances[is_same]), ("of two channels", distances[~is_same])):
        quartiles = " | ".join(f"{value:.3f}" for value in np.quantile(part, (0, 0.25, 0.5, 0.75)))
        print(f"| {name} | {len(part)} | {quartiles} |")


if __name__ == "__main__":
    main()
