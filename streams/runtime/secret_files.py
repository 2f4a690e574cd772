"""Secrets in files. QUANZU_X_FILE names a file with the value of QUANZU_X, as Docker and Kubernetes provide secrets;
the gateways' configurations name such files too.

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
MOST_BYTES = 64 * 1024  # every bank's key fits; a longer file is no secret
_OTHERS = 0o007  # the permissions of users who are neither the file's owner nor of its group


class FileFaultError(ValueError):
    """A file that a setting names cannot be used. `code`: what kind of fault, such as open_secret; `words`: what is
    wrong; `fix`: what to do.
    """

    def __init__(self, code: str, words: str, fix: str) -> None:
        super().__init__(f"{words}. {fix}")
        self.code, self.words, self.fix = code, words, fix


def read_secret(file: Path) -> str:
    """Return the secret in a file, without white space around it.

    Raises FileFaultError if the file cannot be read, is longer than 64 KiB, is not UTF-8, is empty, or may be used by
    every user of the machine.
    """
    try:
        with file.open("rb") as opened:  # the file that is read is the one whose permissions are checked
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(MOST_BYTES + 1)
        text = content.decode("utf-8").strip() if len(content) <= MOST_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        fix = "Name the file that holds the secret, and let this user alone read it"
        raise FileFaultError("unreadable_secret", f"the file cannot be read ({why})", fix) from None
    if len(content) > MOST_BYTES:
        fix = "Name the file that holds the secret and nothing else"
        raise FileFaultError("long_secret", f"the file is longer than {MOST_BYTES:,} bytes", fix)
    if mode & _OTHERS:
        fix = f"Run `chmod o-rwx {file}`; where a platform provides the file, set its mode to 0440"
        raise FileFaultError("open_secret", "every user of this machine may use the file", fix)
    if not text:
        raise FileFaultError("empty_secret", "the file is empty", "Write the secret into it")
    return text


def secret(field: FieldInfo) -> bool:
    """Return True if a setting is a secret (of type SecretStr), which may be given in a file; else False."""
    return "SecretStr" in str(field.annotation)


class SecretFiles(PydanticBaseSettingsSource):
    """A pydantic settings source that reads secrets from the files named by variables ending in _FILE.

    Raises ValueError, naming the variable, if `read_secret` refuses the file, or the secret is given twice.
    """

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        found = {name: self._read(name) for name, field in fields.items() if secret(field)}
        return {name: value for name, value in found.items() if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return a tuple of three: the secret in the file that the field's variable names (None if it names no file),
        the field's name, and False (the value is not JSON).

        Raises ValueError if `read_secret` refuses the file, or the secret is given twice.
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
            return read_secret(Path(given))
        except FileFaultError as error:
            raise ValueError(f"{name}{SUFFIX} = {given}: {error}") from None


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
        """Return where values come from, the first having precedence: the constructor's arguments, environment
        variables, secrets in files that variables ending in _FILE name, and pydantic's own secret files. Called by
        pydantic.
        """
        return init_settings, env_settings, SecretFiles(settings_cls), file_secret_settings

    def plain(self) -> Mapping[str, str]:
        """Return every setting that has a value, as text by field name; settings that are None are left out.

        Secrets are readable, because child processes need them.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in given.items()
            if value is not None
        }
