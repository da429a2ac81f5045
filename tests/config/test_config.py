"""Options: one definition feeds the command line, YAML, the documentation and the run folder."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import typer.main

from noisefind.cli.main import app
from noisefind.cli.options import COMMANDS, describe, options_document
from noisefind.config import (
    SHARE,
    BaseConfig,
    CurriculumConfig,
    HardestConfig,
    InjectConfig,
    PruneConfig,
    ScoreConfig,
    SelftestConfig,
    WindowConfig,
    flag,
    load_config,
    options_of,
    with_preset,
)
from noisefind.errors import ConfigError
from noisefind.scoring.settings import feature_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from noisefind.config import TrainingConfig

# options of the commands themselves: places and ways of working, no values of a configuration
OF_COMMANDS = {
    "--output", "--config", "--json", "--help", "--resume", "--force", "--dry-run", "--truth",
    "--run",
}  # fmt: skip
RESOLVED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "resolved.json").read_text(encoding="utf-8")
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "options.md"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def names(kind: type[BaseConfig]) -> list[str]:
    return [f.name for f in options_of(kind)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_on_the_command_line(command: str) -> None:
    """Each field of the configuration is an option of its command, spelled with hyphens."""
    found = cast("Any", typer.main.get_command(app))
    for word in command.split():
        found = found.commands[word]
    spelled = {o for p in found.params for o in p.opts if o.startswith("--")}
    own = {flag(name) for name in names(COMMANDS[command])}
    assert own <= spelled
    assert spelled - own <= OF_COMMANDS


def test_documentation_is_made_from_the_definitions() -> None:
    """docs/options.md is what the definitions give; the failing text says how to renew it."""
    assert DOCUMENT.read_text(encoding="utf-8") == options_document(), (
        "renew it: python -m noisefind.cli.options > docs/options.md"
    )


def test_typed_goes_before_file_before_preset_before_default(tmp_path: Path) -> None:
    """The layers of options are ordered as the documentation says."""
    file = write(
        tmp_path / "c.yaml", "preset: standard\nepochs: 7\nlearning-rate: 0.5\nflip: false"
    )
    config = load_config(ScoreConfig, file, {"epochs": "3", "members": None, "seed": None})
    assert (config.features, config.epochs, config.learning_rate) == ("lite0,lite2", 3, 0.5)
    assert (config.members, config.seed, config.flip, config.crop) == ("auto", 0, False, True)


@pytest.mark.parametrize("row", RESOLVED, ids=lambda row: f"{row['command']} {row['preset']}")
def test_presets_resolve_to_the_values_of_the_table(row: dict[str, Any], tmp_path: Path) -> None:
    """Typed, in YAML and in a program a preset gives the values that resolved.json lists."""
    kind = cast("type[TrainingConfig]", COMMANDS[row["command"]])
    preset, typed = row["preset"], row["typed"]
    given = {"preset": preset, **typed}
    file = write(tmp_path / "c.yaml", json.dumps(given))
    ways: list[Callable[[], BaseConfig]] = [
        lambda: load_config(kind, None, given),
        lambda: load_config(kind, file, {}),
        lambda: load_config(kind, file, {"preset": preset}),
        lambda: with_preset(kind, preset, **typed),
    ]
    for way in ways:
        if row["differs"] == "ConfigError":
            with pytest.raises(ConfigError):
                way()
        else:
            assert way().to_dict() == {**kind().to_dict(), **row["differs"]}


def test_a_configuration_has_no_preset() -> None:
    """No configuration can name a preset without its values: there is no such field."""
    with pytest.raises(TypeError):
        ScoreConfig(preset="thorough")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        replace(ScoreConfig(), preset="standard")  # type: ignore[call-arg]


def test_an_unknown_preset_is_refused(tmp_path: Path) -> None:
    """A misspelled preset is an error in every way of giving it."""
    with pytest.raises(ConfigError, match=r"--preset is 'fst'; it must be one of auto, fast"):
        with_preset(ScoreConfig, "fst")
    with pytest.raises(ConfigError, match=r"c\.yaml: --preset is 'fst'"):
        load_config(ScoreConfig, write(tmp_path / "c.yaml", "preset: fst"), {})


@pytest.mark.parametrize("kind", sorted(set(COMMANDS.values()), key=str))
def test_a_configuration_takes_the_options_of_its_command_only(kind: type[BaseConfig]) -> None:
    """Every option of any other command that this one does not have is refused."""
    every = {name for other in COMMANDS.values() for name in names(other)}
    own = {f.name for f in fields(cast("Any", kind))}
    assert own == set(names(kind)) - {"preset"}
    for name in every - own:
        with pytest.raises(TypeError):
            kind(**{name: 1})
    assert {f.name for f in options_of(kind) if not f.metadata["help"].endswith(".")} == set()


def test_a_resumed_run_takes_a_preset_before_its_options() -> None:
    """A typed preset changes a run to resume, which is then refused; old presets are no option."""
    before = {**with_preset(ScoreConfig, "standard", seed=7).to_dict(), "preset": "standard"}
    assert load_config(ScoreConfig, None, {}, before).features == "lite0,lite2"
    config = load_config(ScoreConfig, None, {"preset": "fast"}, before)
    assert (config.features, config.seed) == ("lite2", 7)


def test_network_goes_before_preset() -> None:
    """A network that was typed is not overruled by a preset."""
    config = load_config(ScoreConfig, None, {"preset": "standard", "network": "cnn"})
    assert config.networks(on_gpu=False) == ("cnn",)


def test_networks_by_device() -> None:
    """Without a word, both train probes; the features of a GPU come from two networks."""
    assert ScoreConfig().networks(on_gpu=False) == ("probe",)
    assert ScoreConfig().networks(on_gpu=True) == ("probe",)
    assert feature_options(ScoreConfig(), on_gpu=False).source == "lite2"
    assert feature_options(ScoreConfig(), on_gpu=True).source == "lite0,lite2"
    assert feature_options(ScoreConfig(features="pretrained"), on_gpu=True).source == "lite0"


def test_lists_take_one_or_many(tmp_path: Path) -> None:
    """A list option takes a single value or several, from YAML as from the command line."""
    file = write(tmp_path / "c.yaml", "drop: [noise, hardest]\nfraction: 0.3")
    config = load_config(PruneConfig, file, {})
    assert (config.drop, config.fraction) == (["noise", "hardest"], [0.3])


def test_echo_round_trip(tmp_path: Path) -> None:
    """What run.json echoes is a configuration that gives the same one again."""
    config = load_config(ScoreConfig, None, {"epochs": "4", "cache_dir": tmp_path, "flip": False})
    assert load_config(ScoreConfig, None, config.to_dict()) == config


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (ScoreConfig, {"epochs": "0"}, ["--epochs", "'0'", "1 to 10,000", "auto"]),
        (ScoreConfig, {"epochs": "many"}, ["--epochs", "'many'"]),
        (ScoreConfig, {"epochs": 2.5}, ["--epochs", "2.5", "whole"]),
        (ScoreConfig, {"epochs": True}, ["--epochs", "True"]),
        (ScoreConfig, {"seed": "auto"}, ["--seed", "'auto'"]),
        (ScoreConfig, {"learning_rate": "nan"}, ["--learning-rate", "'nan'"]),
        (ScoreConfig, {"network": "probe, vgg11"}, ["--network", "separated by commas"]),
        (ScoreConfig, {"network": "probe,probe"}, ["--network"]),
        (ScoreConfig, {"device": "tpu"}, ["--device", "'tpu'", "cuda:N"]),
        (ScoreConfig, {"flip": "yes"}, ["--flip", "true or false"]),
        (ScoreConfig, {"optimizer": "lion"}, ["--optimizer", "sgd, adam, adamw"]),
        (PruneConfig, {"drop": ["noise", "all"]}, ["--drop", "'all'"]),
        (PruneConfig, {"fraction": ["x"]}, ["--fraction", "'x'"]),
    ],
)
def test_bad_values_are_refused(
    kind: type[ScoreConfig | PruneConfig], given: dict[str, object], words: list[str]
) -> None:
    """A refusal is one line that names the option, its value and the rule."""
    with pytest.raises(ConfigError) as error:
        load_config(kind, None, given)
    message = str(error.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch: 3", ["'epoch'", "epochs"]),
        ("- epochs", ["option: value"]),
        ("epochs: [", ["not valid YAML"]),
        ("epochs: 0", ["--epochs", "0"]),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    """Unknown keys and broken YAML are errors of one line."""
    with pytest.raises(ConfigError) as error:
        load_config(ScoreConfig, write(tmp_path / "c.yaml", text), {})
    message = str(error.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A configuration file that is not there is an error, not the defaults."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(ScoreConfig, tmp_path / "none.yaml", {})


def test_empty_file_means_defaults(tmp_path: Path) -> None:
    """A file of comments only changes nothing."""
    assert (
        load_config(ScoreConfig, write(tmp_path / "c.yaml", "# all default"), {}) == ScoreConfig()
    )


def test_a_configuration_made_in_python_is_checked_too() -> None:
    """Text becomes the option's type, and a value outside its range is refused at once."""
    assert ScoreConfig(cache_dir=cast("Any", "cache")).cache_dir == Path("cache")
    with pytest.raises(ConfigError, match=r"--members is 0; it must be a whole number from 1 to"):
        ScoreConfig(members=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: three", "c.yaml: --epochs is 'three'; it must be a whole number"),
        ("epoch: 3", "unknown option 'epoch'; did you mean 'epochs'?"),
        ("epochs: 3\nepochs: 4", "'epochs' appears twice"),
    ],
)
def test_what_is_wrong_in_a_file_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    """Values, misspelled keys and repeated keys of a YAML file are refused with its name."""
    with pytest.raises(ConfigError) as caught:
        load_config(ScoreConfig, write(tmp_path / "c.yaml", text), {})
    assert message in str(caught.value)
    assert "c.yaml" in str(caught.value)


def test_a_resumed_run_keeps_its_options() -> None:
    """What is typed or in the file goes before the run's options, those before the defaults."""
    before = ScoreConfig(seed=7, epochs=3).to_dict()
    config = load_config(ScoreConfig, None, {"epochs": "4"}, before)
    assert (config.seed, config.epochs, config.members) == (7, 4, "auto")


def test_every_share_is_written_in_percent_or_as_a_number() -> None:
    """Alike in every option that is a share, alone or in a grid; no float error comes in."""
    assert PruneConfig(fraction=cast("Any", ["30%", " 0.7 %", "0.3"])).fraction == [0.3, 0.007, 0.3]
    assert InjectConfig(fraction=cast("Any", "10%")) == InjectConfig(fraction=0.1)
    assert SelftestConfig(fraction="5%,0.1").fractions() == [0.05, 0.1]
    assert (
        HardestConfig(remove="10%:30%:10%").shares() == HardestConfig(remove="0.1:0.3:0.1").shares()
    )
    window = WindowConfig(width="40%", start="0:60%:0.1", fine="55%", inject=cast("Any", "10%"))
    assert (window.share(), window.inject) == (Decimal("0.4"), 0.1)
    assert window.starts()[-2:] == [Decimal("0.55"), Decimal("0.6")]
    assert CurriculumConfig(phases="3:50%,2:1").phase_list() == [
        (3, Decimal("0.5")),
        (2, Decimal(1)),
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_share_says_how_it_is_written(command: str) -> None:
    """Each option from 0 to 1 that is called a share takes percent, and the help has an example."""
    for f in options_of(COMMANDS[command]):
        low, high = f.metadata["low"], f.metadata["high"]
        if low == 0 and high <= 1 and "hare " in f.metadata["help"]:
            assert f.metadata["pattern"] == SHARE, f.name
            assert "30%" in describe(f)[0]
