// Asks the server about a number without telling it: only a blinded element and the first bits of a hash are sent.
import { blind, randomElement, sha256, sha512, unblinded } from "../vendor/ristretto255.js";
import { linkForms, normalAccount, normalLink, normalPhone } from "./normal.js";

const ENDPOINT = "/v1/check", PREFIX_BITS = 16, TAG = 16, ENTRY = TAG + 1, TRIES = 3;
const STATUS = { 1: "reported", 2: "confirmed" };
const LABEL = new TextEncoder().encode("quanzu check entry\0");
const NORMAL = { phone: normalPhone, account: normalAccount, link: normalLink };
let bits = null;

/** The server refuses more questions for now (429). */
export class TooManyError extends Error {}

/** The server cannot be asked now. */
export class AwayError extends Error {}

/** "confirmed", "reported" or "unknown". Throws a RangeError if `raw` is not of this kind. */
export async function ask(kind, raw, formsOfLink) {
  const normal = NORMAL[kind](raw);
  const texts = (kind === "link" ? linkForms(normal) : [normal]).map((form) => utf8(`${kind}:${form}`));
  const questions = texts.map((text) => ({ prefix: prefix(text), ...blind(text) }));
  // A link is always asked about by the same number of elements: how many domains it has is nobody's business.
  while (kind === "link" && questions.length < formsOfLink)
    questions.push({ prefix: random16(), element: randomElement() });
  const found = (await answers(questions)).map((answer, place) => status(questions[place], answer));
  // A confirmed domain covers the links below it. A report covers its own link only: anybody can report a whole domain.
  return found.includes("confirmed") ? "confirmed" : found[0];
}

async function answers(questions) {
  for (let tries = 0; tries < TRIES; tries++) {
    if (bits === null) bits = await currentBits();
    const { status, body } = await sent({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        bits,
        buckets: questions.map((each) => each.prefix >> (PREFIX_BITS - bits)),
        elements: questions.map((each) => base64(each.element)),
      }),
    });
    if (status === 200) return body.answers;
    if (status === 429) throw new TooManyError();
    if (status !== 409) throw new AwayError();
    bits = knownBits(body.bits); // the list has grown or shrunk since the page was opened
  }
  throw new AwayError();
}

async function currentBits() {
  const { status, body } = await sent({ method: "GET" });
  if (status === 429) throw new TooManyError();
  const found = knownBits(body.bits);
  if (found === null) throw new AwayError();
  return found;
}

const knownBits = (told) => (Number.isInteger(told) ? told : null); // null: to be asked for again

async function sent(request) {
  try {
    const answer = await fetch(ENDPOINT, { ...request, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
    return { status: answer.status, body: answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : {} };
  } catch {
    throw new AwayError();
  }
}

function status(question, answer) {
  if (!question.blind) return "unknown";
  const element = unblinded(question.blind, bytes(answer.element));
  const derived = sha512(joined(LABEL, bytes(answer.nonce), element)), entries = bytes(answer.entries);
  for (let start = 0; start + ENTRY <= entries.length; start += ENTRY)
    if (derived.subarray(0, TAG).every((byte, place) => byte === entries[start + place]))
      return STATUS[entries[start + TAG] ^ derived[TAG]] ?? "unknown";
  return "unknown";
}

const utf8 = (text) => new TextEncoder().encode(text);
const prefix = (text) => { const hash = sha256(text); return (hash[0] << 8) | hash[1]; };
const random16 = () => crypto.getRandomValues(new Uint16Array(1))[0];
const base64 = (raw) => btoa(String.fromCharCode(...raw)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}
