"""How the report opens: what the run is, and the few numbers that matter most."""

from collections.abc import Mapping, Sequence

from leftright.reporting import accounts, provenance
from leftright.reporting.blocks import Block, Finding, Findings, Prose
from leftright.reporting.inputs import Inputs
from leftright.reporting.numbers import decimal, interval, of, percent, plural
from leftright.reporting.plain import SIMULATED
from leftright.reporting.published import TABLE_1
from leftright.reporting.sections.flip import CHANCE, held_out
from leftright.reporting.sections.truth import Checks
from leftright.results import Value

TITLE = "Telling left from right"
_SOURCES = {"folder": "a folder of videos", "urls": "a list of URLs", "youtube": "YouTube"}
_PRIORS = ("sound_prior", "salience_prior", "motion_prior")


def subtitle(inputs: Inputs) -> str:
    """What the run was made on, in one line."""
    clips, videos, channels = (inputs.curated[name].nunique() for name in ("clip", "video", "channel"))
    return f"A leftright run on {plural(clips, 'clip')} of {plural(videos, 'video')} by {plural(channels, 'channel')}"


def facts(inputs: Inputs) -> tuple[tuple[str, str], ...]:
    """What the run is, as pairs of a name and a value."""
    kept = inputs.curated[inputs.curated["kept"]]
    clips = accounts.clips(inputs.attempts, inputs.curated)
    return (
        ("Source", _source(inputs)),
        ("Clips kept", of(clips.num_kept, clips.total)),
        ("Videos kept", of(kept["video"].nunique(), len(inputs.videos))),
        ("Channels kept", of(kept["channel"].nunique(), inputs.videos["channel"].nunique())),
        ("Code", provenance.commit()),
        ("Parameters", provenance.parameters_digest()),
    )


def _source(inputs: Inputs) -> str:
    if inputs.truth is not None:
        return "simulated world"
    return ", ".join(_SOURCES.get(name, name) for name in sorted(inputs.curated["source"].unique()))


def blocks(inputs: Inputs, checks: Checks | None, downstream: Sequence[Finding]) -> tuple[Block, ...]:
    """The banner of a simulated world, and the findings, those of the downstream tasks among them."""
    banner = (Prose(SIMULATED, "banner"),) if inputs.truth is not None else ()
    learnt = (_flip(inputs, checks), _roi(inputs.metrics), _sound(inputs.metrics))
    found = (*learnt, *downstream, _kept(inputs), _faults(checks))
    return (*banner, Findings(tuple(finding for finding in found if finding is not None)))


def _flip(inputs: Inputs, checks: Checks | None) -> Finding | None:
    value, mono = inputs.metrics.get("flip.accuracy"), inputs.metrics.get("flip.accuracy_mono")
    if value is None or inputs.trained is None:
        return None
    scheme = held_out(inputs.trained.predictions, inputs.curated)
    meaning = f"On {plural(value.n or 0, 'window')} of {scheme}s that the model was not trained on; chance is 0.5."
    if checks is not None and checks.accuracy is not None:
        without = f"{decimal(checks.accuracy.value)} {interval(checks.accuracy)}"
        meaning += f" Without the videos planted with a fault, such as swapped channels, it is {without}."
    if mono is not None and mono.value is not None:
        inside = mono.low is not None and mono.high is not None and mono.low <= CHANCE <= mono.high
        verdict = (
            "chance lies within, as it must" if inside else "not chance: something else than the sound’s side tells"
        )
        meaning += f" Made mono, the same windows give {decimal(mono.value)} {interval(mono)}: {verdict}."
    return Finding("Flip accuracy", decimal(value.value), interval(value), meaning)


def _roi(metrics: Mapping[str, Value]) -> Finding | None:
    value = metrics.get("localize.roi.pearson")
    if value is None:
        return None
    published = next(entry.pearson for entry in TABLE_1 if entry.key == "roi")
    against = _against_priors(value, [metrics.get(f"localize.{name}.pearson") for name in _PRIORS])
    meaning = f"Correlation with the log energy difference (Pearson R); published {decimal(published)}. {against}"
    return Finding("Where the model looks", decimal(value.value), interval(value), meaning)


def _against_priors(value: Value, priors: Sequence[Value | None]) -> str:
    highs = [prior.high for prior in priors if prior is not None and prior.high is not None]
    if value.low is None or len(highs) < len(priors):
        return "Without all intervals nothing can be said of it against the three priors."
    if value.low > max(highs):
        return "Its interval lies above all three priors’."
    return "Its interval does not lie above all three priors’."


def _sound(metrics: Mapping[str, Value]) -> Finding | None:
    pca, cca = metrics.get("localize.pca.pearson"), metrics.get("localize.cca.pearson")
    if pca is None or cca is None:
        return None
    published = {entry.key: entry.pearson for entry in TABLE_1}
    meaning = (
        f"The same correlation for the embedding’s first principal component; published {decimal(published['pca'])}. "
        f"Projected by CCA it is {decimal(cca.value)} {interval(cca)}; published {decimal(published['cca'])}."
    )
    return Finding("What the model hears", decimal(pca.value), interval(pca), meaning)


def _kept(inputs: Inputs) -> Finding:
    account = accounts.clips(inputs.attempts, inputs.curated)
    share = percent(account.num_kept / max(account.total, 1))
    meaning = "Of the clips that were tried. What became of each of the others, and of every video, stands below."
    return Finding("Clips kept", share, of(account.num_kept, account.total), meaning)


def _faults(checks: Checks | None) -> Finding | None:
    """The worst of all precisions and recalls: a mean would hide the one fault that is missed."""
    if checks is None:
        return None
    named = [
        (f"{kind} of {score.fault.replace('_', ' ')}", value)
        for score in checks.scores
        for kind, value in (("precision", score.precision), ("recall", score.recall))
        if value.value is not None
    ]
    if not named:
        return None
    worst, value = min(named, key=lambda item: (item[1].value or 0.0, item[1].low or 0.0))
    meaning = (
        f"The lowest precision or recall with which the filter names {plural(len(checks.scores) - 1, 'kind')} of planted "
        f"fault, and keeps the rest: the {worst}."
    )
    return Finding("Faults found", decimal(value.value), interval(value), meaning)
