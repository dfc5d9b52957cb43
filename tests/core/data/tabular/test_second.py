"""The column that a second head answers."""

import numpy as np
import pytest
from pydantic import ValidationError

from core.config import ModelConfig, RunConfig
from core.data.tabular.second import second_classes, second_words
from core.errors import ConfigError

LABELS = np.array([1, 1, 0, 0, -1])
COLUMNS = {
    "age": np.array(["old", " new ", "new", "unknown", ""]),
    "code": np.array([1.0, 2.0, np.nan, 1.0, 2.0]),
    "slope": np.array([1.5, 2.0, 3.0, 4.0, 5.0]),
    "only": np.array(["old", "unknown", "new", "", ""]),
}


def words(name, **more):
    return second_words(ModelConfig(second_column=name, **more), COLUMNS, LABELS).tolist()


def test_the_unknown_have_no_class_and_codes_are_classes():
    assert words("age") == ["old", "new", "new", "", ""]
    assert words("age", second_of="landslides") == ["old", "new", "", "", ""]
    assert words("code") == ["1", "2", "", "1", "2"]


@pytest.mark.parametrize(("name", "says"), [("slope", "holds 5 different numbers"), ("nothing", "does not have")])
def test_what_is_no_column_of_classes_is_refused(name, says):
    with pytest.raises(ConfigError, match=says):
        words(name)


def test_names_are_no_classes():
    model = ModelConfig(second_column="id")
    with pytest.raises(ConfigError, match="names rather than classes"):
        second_words(model, {"id": np.array([f"p{i}" for i in range(99)])}, np.ones(99))


def test_classes_are_those_of_the_training_part_and_there_are_two():
    model = ModelConfig(second_column="age")
    known = second_words(model, COLUMNS, LABELS)
    assert second_classes(model, known, np.arange(4)) == ("new", "old")
    with pytest.raises(ConfigError, match=r"has one class \('new'\) among fold 1's training part"):
        second_classes(model, known, np.array([1, 2]), "fold 1's")
    with pytest.raises(ConfigError, match="no known value"):
        second_classes(model, known, np.array([3, 4]))


def test_settings_of_earlier_runs_are_understood():
    """Sizes were learnt of landslides alone."""
    once = ModelConfig.model_validate({"size_column": "size", "size_weight": 0.5})
    assert once == ModelConfig(second_column="size", second_weight=0.5, second_of="landslides")
    assert ModelConfig.model_validate({"size_column": None, "size_weight": 0.3}) == ModelConfig()
    overridden = RunConfig().with_overrides(["model.size_column=size", "model.size_weight=1"]).model
    assert overridden == ModelConfig(second_column="size", second_weight=1.0, second_of="landslides")


def test_a_second_head_does_not_read_what_it_answers():
    with pytest.raises(ValidationError, match="would only repeat it"):
        ModelConfig(columns=("age",), second_column="age")
