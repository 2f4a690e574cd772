"""Secrets in files: QUANZU_X_FILE names a file with the value of QUANZU_X, as Docker and Kubernetes provide secrets.

A secret in an environment variable is visible to everyone who may inspect the process or print its environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SUFFIX = "_FILE"


def secret(field: FieldInfo) -> bool:
    """Return whether a setting is a secret (of type SecretStr), and so may be given in a file."""
    return "SecretStr" in str(field.annotation)


class SecretFiles(PydanticBaseSettingsSource):
    """A pydantic settings source that reads secrets from the files named by variables ending in _FILE.

    Raises ValueError, naming the variable, if the file is unreadable or empty, or the secret is given twice.
    """

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        found = {name: self._read(name) for name, field in fields.items() if secret(field)}
        return {name: value for name, value in found.items() if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the secret in the field's file (None if no file is named), the field's name, and False.

        Raises ValueError if the file is unreadable or empty, or the secret is given twice.
        """
        return self._read(field_name), field_name, False

    def _read(self, field: str) -> str | None:
        name = f"{self.settings_cls.model_config.get('env_prefix', '')}{field}".upper()
        given = os.environ.get(name + SUFFIX)
        if not given:
            return None
        if os.environ.get(name):
            raise ValueError(f"{name} and {name}{SUFFIX} are both set: set one of them")
        try:
            text = Path(given).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ValueError(
                f"{name}{SUFFIX} = {given}: the file cannot be read ({why}). Name the file that holds the secret, and "
                "let this user read it"
            ) from None
        if not text:
            raise ValueError(f"{name}{SUFFIX} = {given}: the file is empty. Write the secret into it")
        return text


class Environment(BaseSettings):
    """Settings read from environment variables and, for secrets, also from files.

    Raises ValidationError if a value is invalid, and ValueError if a file with a secret cannot be used.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls), file_secret_settings

    def plain(self) -> Mapping[str, str]:
        """Return every setting that has a value, by field name, as text with readable secrets: for child processes."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in given.items()
            if value is not None
        }
