// Finds numbers, links and types of scam in a text, by the rules of domain/public_check/scan.py. Nothing is sent.

/** `{ numbers: [[kind, text]], scams: { type: words } }`, as `scanned` returns it there. */
export function scanned(text, rules) {
  const read = [...plain(text, rules)].slice(0, rules.longest).join(""), numbers = new Map();
  let rest = read;
  for (const { kind, patterns } of rules.numbers)
    for (const pattern of patterns)
      rest = rest.replace(new RegExp(pattern, "giu"), (found) => {
        numbers.set(`${kind} ${found}`, [kind, found]);
        return " ".repeat([...found].length);
      });
  const scams = {};
  for (const { type, patterns } of rules.scams)
    for (const pattern of patterns) {
      const found = type in scams ? null : new RegExp(pattern, "iu").exec(read);
      if (found) scams[type] = found[0];
    }
  return { numbers: [...numbers.values()].slice(0, rules.most), scams };
}

/** The text without invisible characters, with usual digits and letters for full-width ones, and others for those alike. */
function plain(text, rules) {
  return text
    .replace(new RegExp(rules.hidden, "gu"), "")
    .replace(new RegExp(rules.wide, "gu"), (sign) => String.fromCharCode(sign.charCodeAt(0) - rules.wide_by))
    .replace(/./gsu, (sign) => rules.alike[sign] ?? sign);
}
