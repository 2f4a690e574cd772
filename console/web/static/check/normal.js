// Normal forms of telephones, accounts and links, as domain/identity/identifiers.py and links.py make them.
// Each function throws a RangeError for a text that is none.
const MOBILE = /^(?:\+86)?(1[3-9][0-9]{9})$/;
const PHONE = /^\+?[0-9 ().\-‐-―/]+$/;
const SERVICE = /^(?:[1-9][0-9]{2,5}|9[56][0-9]{3,6}|10[06][0-9]{4,17})$/;
const SERVICE_ABROAD = /^(?:[1-9][0-9]{2,5}|9[56][0-9]{3,6}|106[0-9]{8,17})$/;
const NATIONAL = /^(?:1[2-9][0-9]{9}|10[0-9]{7,8}|2[0-9]{8,9}|[3-9][0-9]{9,10})$/;
const ABROAD = /^[1-9][0-9]{6,14}$/;
const ACCOUNT = /^[0-9A-Z]{6,34}$/;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const LINK = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:[^/?#]*@)?([^/?#:@]*)(?::([0-9]*))?([/?#].*)?$/;
const LONGEST = 1024, LONGEST_PHONE = 128, LONGEST_IDN = 64, LAST_PORT = 65535, PARENTS = 4;
// Country codes whose numbers are written with a trunk 0 (metadata of libphonenumber), which E.164 leaves out.
const TRUNK_0 = new Set((
  "20 27 31 32 33 40 41 43 44 46 49 51 53 54 55 58 60 61 62 63 64 66 81 82 84 90 91 92 93 94 95 98 211 212 213 218 231 " +
  "232 233 234 243 249 250 251 252 254 255 256 260 261 262 263 264 265 291 353 355 358 359 370 373 374 375 377 380 381 " +
  "382 383 385 386 387 389 421 423 508 590 591 593 594 595 596 598 686 850 855 856 880 886 961 962 963 964 966 967 970 " +
  "971 972 976 977 994 995 996").split(" "));
const TRUNK_8 = { 7: 10, 370: 8, 993: 8 }; // and those with a trunk 8: digits without it

const none = () => { throw new RangeError("not of this kind"); };

/** A telephone in E.164, or the bare digits of a service number. A number abroad needs + or 00 and its country code. */
export function normalPhone(raw) {
  const text = raw.normalize("NFKC").trim();
  if (raw.length > LONGEST_PHONE) none();
  const mobile = MOBILE.exec(text);
  if (mobile) return `+86${mobile[1]}`;
  if (!PHONE.test(text)) none();
  const digits = text.replace(/[^0-9]/g, ""), abroad = text.startsWith("+") || text.startsWith("00");
  if (!abroad) return SERVICE.test(digits) ? digits : chinese(digits);
  const whole = text.startsWith("+") ? digits : digits.slice(2);
  if (!whole.startsWith("86")) return foreign(whole);
  const home = whole.slice(2);
  return SERVICE_ABROAD.test(home) ? home : chinese(home);
}

function foreign(whole) {
  const code = [1, 2, 3].map((length) => whole.slice(0, length)).find((each) => TRUNK_0.has(each) || each in TRUNK_8) ?? "";
  let national = whole.slice(code.length);
  if (TRUNK_0.has(code)) national = national.replace(/^0+/, "");
  if (national.length === TRUNK_8[code] + 1 && national.startsWith("8")) national = national.slice(1);
  return ABROAD.test(code + national) ? `+${code}${national}` : none();
}

function chinese(digits) {
  const national = digits.replace(/^0/, "");
  return NATIONAL.test(national) ? `+86${national}` : none();
}

/** An account of 6 to 34 capital letters and digits. */
export function normalAccount(raw) {
  const account = raw.normalize("NFKC").replace(/[\s-]/g, "").toUpperCase();
  return ACCOUNT.test(account) ? account : none();
}

/** A link without scheme, www., user, fragment and last slash. */
export function normalLink(raw) {
  const text = raw.normalize("NFKC").trim();
  if (text.length > LONGEST || /[\p{C}\p{Z}\\]/u.test(text)) none();
  const [, scheme, typed, port, rest] = LINK.exec(text) ?? none();
  if (!/^https?$/i.test(scheme ?? "http") || Number(port ?? 0) > LAST_PORT) none();
  const unusual = port && ![80, 443].includes(Number(port)) ? `:${Number(port)}` : "";
  const path = escaped((rest ?? "").split(/[?#]/)[0]).replace(/\/+$/, "");
  const normal = `${host(typed)}${unusual}${path}${asTyped(text)}`;
  return normal.length <= LONGEST ? normal : none();
}

/** The host in ASCII. One that is typed in ASCII stays: the browser would rewrite 1.2.3, which the server does not. */
function host(typed) {
  let found = (/^[\x00-\x7f]*$/.test(typed) ? typed.toLowerCase() : encoded(typed)).replace(/\.+$/, "");
  const labels = found.split(".");
  if (labels.length < 2 || found.length > 253 || !labels.every((label) => LABEL.test(label))) none();
  while (found.startsWith("www.") && found.split(".").length > 2) found = found.slice(4);
  return found;
}

/** A host with other letters, as IDNA 2003 encodes it: the browser's newer rules keep ß and the final sigma. */
function encoded(typed) {
  if (typed.length > LONGEST_IDN) none();
  try {
    return new URL(`http://${typed.replace(/[ßẞ]/g, "ss").replace(/ς/g, "σ")}`).hostname;
  } catch {
    return none();
  }
}

/** The query as it was typed: a browser escapes other characters in it than the server does. */
function asTyped(text) {
  const query = text.split("#")[0].split("?").slice(1).join("?");
  return query && `?${query}`;
}

/** Each byte of the path that needs an escape has one, and no other. */
function escaped(path) {
  const parts = path.split(/(%[0-9A-Fa-f]{2})/), encoder = new TextEncoder();
  const bytes = parts.flatMap((part, place) => place % 2 ? parseInt(part.slice(1), 16) : [...encoder.encode(part)]);
  return bytes.map((byte) => {
    const letter = String.fromCharCode(byte);
    const plain = byte < 128 && /[A-Za-z0-9_.\-!$&'()*+,;=:@/~]/.test(letter);
    return plain ? letter : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** The forms under which a normal link may be listed: itself, without its query, its host, and the domains above. */
export function linkForms(normal) {
  const page = normal.split("?")[0], name = page.split("/")[0].split(":")[0], labels = name.split(".");
  const forms = [normal, page, name];
  if (!/^[0-9.]+$/.test(name))
    for (let start = Math.max(1, labels.length - 1 - PARENTS); start < labels.length - 1; start++)
      forms.push(labels.slice(start).join("."));
  return [...new Set(forms)];
}
