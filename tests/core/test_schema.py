"""Values that no key of a config takes, and how what is expected is said."""

from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Le

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.schema import check_plain, checked


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**64, -(2**64), "a\nb", "\udcff", [1, [float("nan")]]]
)
def test_what_no_key_takes_is_refused_wherever_it_is(value):
    with pytest.raises(InputError, match=r"head\.(hidden|list\.0)"):
        check_plain(
            {"head": {"hidden": value} if not isinstance(value, list) else {"list": [value]}}
        )


def test_plain_values_pass():
    check_plain({"a": [1, 2.5, "text", None, True, {"b": 2**63 - 1}], "c": "\u00e4"})


def test_a_limit_is_written_out():
    with pytest.raises(InputError, match="seed=4294967296: expected 4294967295 or less"):
        checked("seed", 2**32, Annotated[int, Ge(0), Le(2**32 - 1)])


def test_an_empty_path_is_none():
    with pytest.raises(InputError, match="out=: expected a path"):
        checked("out", "", Path | None)
