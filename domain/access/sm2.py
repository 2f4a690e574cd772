"""Signatures by SM2 (GB/T 32918.2) over the curve of GB/T 32918.5, with SM3, made by the OpenSSL of this Python.

`cryptography` has no SM2. OpenSSL 3, which Python's own `hashlib` loads anyway, has it: no further package is needed,
and its time does not depend on the private key, unlike that of libraries in pure Python. ctypes calls its functions.
"""

import _hashlib
import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123  # of the curve's base point
_SIGNER = b"1234567812345678"  # the signer's name for which GM/T 0009-2012 (10) says: where none is agreed
_BEFORE_PRIVATE = bytes.fromhex("30310201010420")  # an EC private key by RFC 5915, in DER, ...
_AFTER_PRIVATE = bytes.fromhex("a00a06082a811ccf5501822d")  # ... whose curve is 1.2.156.10197.1.301
_BEFORE_PUBLIC = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")  # a public key by RFC 5480
_POINT_BYTES = 65  # 04 and both coordinates
PUBLIC_BYTES = len(_BEFORE_PUBLIC) + _POINT_BYTES
_MOST_SIGNATURE = 80  # bytes of two numbers below the order, in DER
_POINTERS = (
    *("d2i_AutoPrivateKey", "d2i_PUBKEY", "EVP_sm3", "EVP_MD_CTX_new", "EVP_PKEY_CTX_new", "EVP_PKEY_CTX_free"),
    *("EVP_MD_CTX_free", "EVP_PKEY_free"),
)


class Sm2Error(ValueError):
    """OpenSSL cannot do it: it lacks SM2, or a key is invalid. The text repeats no key."""


def lacks_sm2() -> bool:
    """Return True if the OpenSSL of this Python has no SM2, so that nothing can be signed by it."""
    return _openssl() is None


def sm2_public_key(secret: int) -> bytes:
    """Return the public key (RFC 5480, DER, 91 bytes) of the private key that the number `secret` gives: any number of
    more than 256 bits gives one, evenly. Raises Sm2Error if OpenSSL has no SM2.
    """
    with _private(secret) as key:
        size = _library().i2d_PUBKEY(key, None)
        made = ctypes.create_string_buffer(max(size, 1))
        place = ctypes.c_void_p(ctypes.addressof(made))
        if size != PUBLIC_BYTES or _library().i2d_PUBKEY(key, ctypes.byref(place)) != size:
            raise Sm2Error("OpenSSL gives no public key for SM2")
        return made.raw[:size]


def sm2_signature(secret: int, message: bytes) -> bytes:
    """Return the signature of a message: r and s in DER (GM/T 0009). `secret`: the number that gives the private key,
    as in `sm2_public_key`. Raises Sm2Error if OpenSSL has no SM2.
    """
    with _private(secret) as key, _context(key) as context:
        made, size = ctypes.create_string_buffer(_MOST_SIGNATURE), ctypes.c_size_t(_MOST_SIGNATURE)
        if (
            _library().EVP_DigestSignInit(context, None, _library().EVP_sm3(), None, key) != 1
            or _library().EVP_DigestSign(context, made, ctypes.byref(size), message, len(message)) != 1
        ):
            raise Sm2Error("OpenSSL did not sign by SM2")
        return made.raw[: size.value]


def is_signed_by_sm2(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return True if the private key of `public` signed exactly this message. False for a key that is invalid or of
    another curve. Raises Sm2Error if OpenSSL has no SM2.
    """
    if len(public) != PUBLIC_BYTES or not public.startswith(_BEFORE_PUBLIC):
        return False
    key = _read("d2i_PUBKEY", public)
    if not key:
        return False
    try:
        with _context(key) as context:
            return bool(
                _library().EVP_DigestVerifyInit(context, None, _library().EVP_sm3(), None, key) == 1
                and _library().EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1
            )
    finally:
        _forget_errors()
        _library().EVP_PKEY_free(key)


@contextmanager
def _private(secret: int) -> Iterator[ctypes.c_void_p]:
    """Yield OpenSSL's private key, which is freed afterwards."""
    number = secret % (_ORDER - 2) + 1  # 1 to order - 2, as GB/T 32918.1 (6.1) asks
    key = _read("d2i_AutoPrivateKey", _BEFORE_PRIVATE + number.to_bytes(32, "big") + _AFTER_PRIVATE)
    if not key:
        raise Sm2Error("OpenSSL takes no private key for SM2")
    try:
        yield key
    finally:
        _library().EVP_PKEY_free(key)


@contextmanager
def _context(key: ctypes.c_void_p) -> Iterator[ctypes.c_void_p]:
    """Yield a context to sign or verify with the key, under the usual name of the signer."""
    context = ctypes.c_void_p(_library().EVP_MD_CTX_new())
    named = ctypes.c_void_p(_library().EVP_PKEY_CTX_new(key, None))
    try:
        if _library().EVP_PKEY_CTX_set1_id(named, _SIGNER, len(_SIGNER)) != 1:
            raise Sm2Error("OpenSSL takes the key for none of SM2")
        _library().EVP_MD_CTX_set_pkey_ctx(context, named)
        yield context
    finally:
        _library().EVP_MD_CTX_free(context)
        _library().EVP_PKEY_CTX_free(named)


def _read(function: str, raw: bytes) -> ctypes.c_void_p:
    """Return the key that OpenSSL reads from DER, null if it is invalid."""
    text = ctypes.create_string_buffer(raw, len(raw))
    place = ctypes.c_void_p(ctypes.addressof(text))
    key = ctypes.c_void_p(getattr(_library(), function)(None, ctypes.byref(place), ctypes.c_long(len(raw))))
    _forget_errors()
    return key


def _forget_errors() -> None:
    """Empty OpenSSL's queue of errors, so that no later call of this thread, say of TLS, is told ours."""
    _library().ERR_clear_error()


def _library() -> ctypes.CDLL:
    found = _openssl()
    if found is None:
        raise Sm2Error("this Python's OpenSSL has no SM2")
    return found


@cache
def _openssl() -> ctypes.CDLL | None:
    """Return the OpenSSL that `hashlib` has loaded, or the system's if it is linked into this Python; None if neither
    has SM2.
    """
    for name in (_hashlib.__file__, ctypes.util.find_library("crypto")):
        with suppress(OSError, AttributeError):
            found = ctypes.CDLL(name) if name else None
            if found is None:
                continue
            for each in (*_POINTERS, "i2d_PUBKEY", "EVP_PKEY_CTX_set1_id", "EVP_DigestSign", "EVP_DigestVerify"):
                getattr(found, each)
            _declare(found)
            probe = _BEFORE_PRIVATE + (1).to_bytes(32, "big") + _AFTER_PRIVATE
            place = ctypes.c_char_p(probe)
            key = found.d2i_AutoPrivateKey(None, ctypes.byref(place), ctypes.c_long(len(probe)))
            found.ERR_clear_error()
            if key:
                found.EVP_PKEY_free(ctypes.c_void_p(key))
                return found
    return None


def _declare(library: ctypes.CDLL) -> None:
    """Say which functions return pointers, and which arguments are sizes: ctypes takes all for int."""
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name in _POINTERS:
        getattr(library, name).restype = pointer
    library.EVP_PKEY_free.argtypes = library.EVP_MD_CTX_free.argtypes = library.EVP_PKEY_CTX_free.argtypes = [pointer]
    library.EVP_PKEY_CTX_new.argtypes = library.EVP_MD_CTX_set_pkey_ctx.argtypes = [pointer, pointer]
    library.EVP_PKEY_CTX_set1_id.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int]
    library.EVP_DigestSignInit.argtypes = library.EVP_DigestVerifyInit.argtypes = [pointer] * 5
    library.EVP_DigestSign.argtypes = [pointer, ctypes.c_char_p, ctypes.POINTER(size), ctypes.c_char_p, size]
    library.EVP_DigestVerify.argtypes = [pointer, ctypes.c_char_p, size, ctypes.c_char_p, size]
    library.i2d_PUBKEY.argtypes = [pointer, pointer]
