"""The part of a config that names a data set, which may be one of the user's own."""

from typing import Self

from pydantic import Field, model_validator

from mgic.data import find
from mgic.errors import DataMissing, Problem
from mgic.models.config import ModelConfig


class DatasetConfig(ModelConfig):
    """Base of a config with a data set in it, beside the model.

    A set that lies in the folder of the data sets may change, or be another one on another host. Its hash becomes part
    of the config when that is checked first, so that a run elsewhere or later is of the same files or says so, and
    so that no result of other files is taken for its own.
    """

    dataset: str
    data_hash: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{16}$",
        exclude_if=lambda found: found is None,  # a config of a published set is as it was before there were others
        description="Hash that the files of a data set of your own are to have; empty: those there are when it is "
        "planned",
    )

    @model_validator(mode="after")
    def _is_what_was_planned(self) -> Self:
        found = find(self.dataset).hash or None
        if self.data_hash is None:
            self.__dict__["data_hash"] = found  # frozen for others
        elif found is None:
            detail = f"{self.dataset} is checked when it is read; data_hash is for sets of your own"
            raise self._located([Problem("data_hash", "no_hash", detail)])
        elif found != self.data_hash:
            raise self._located([Problem("data_hash", "other_data", self._other(found))])
        return self

    def as_planned(self, found: str) -> str:
        """The same hash. Raises `DataMissing` where the set was changed since the config was checked."""
        if self.data_hash not in (None, found):
            raise DataMissing(self._other(found))
        return found

    def _other(self, found: str) -> str:
        return (
            f"{self.dataset} here has the hash {found}, and the run is planned for {self.data_hash}: the files were "
            "changed since, or another host has others; bring these back, or submit it anew"
        )
