// What the page of the public check needs of @noble/curves: blinding and unblinding of RFC 9497, and two hashes.
import { ristretto255, ristretto255_oprf } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";

const { Point } = ristretto255;

/** Blind a text: returns the secret blind and the element to send, 32 bytes each. */
export const blind = (text) => {
  const made = ristretto255_oprf.oprf.blind(text);
  return { blind: made.blind, element: made.blinded };
};

/** Return an evaluated element without the blind. Throws if it is no element, or the identity. */
export const unblinded = (secret, element) => {
  const point = Point.fromBytes(element);
  if (point.equals(Point.ZERO)) throw new Error("the identity is no answer");
  return point.multiply(Point.Fn.inv(Point.Fn.fromBytes(secret))).toBytes();
};

/** A random element, which asks about nothing. */
export const randomElement = () => blind(crypto.getRandomValues(new Uint8Array(32))).element;

export { sha256, sha512 };
