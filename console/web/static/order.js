// The order of the queue, as domain/casework/triage has it (Weight.place): what is less is to be taken first. A test holds both equal.

/** All that a case's place hangs on but the time, as its row tells it: milliseconds, `limit` none where it may wait. */
export function weightOf({ turn, fen, since, patience, limit }) {
  return {
    turn: Number(turn), fen: Number(fen), since: Number(since), patience: Number(patience),
    limit: limit === undefined ? Infinity : Number(limit),
  };
}

export const beyond = ({ since, limit }, now) => now - since - limit;

const LEAST = 100, MOST = 60;

/** What decides a case's place: its worth, and by how much waiting has raised it: a factor, and doublings beyond the limit. */
export function explained(weight, now) {
  const over = beyond(weight, now), waited = 1 + Math.max(0, now - weight.since) / weight.patience;
  const quarters = weight.limit ? 1 + Math.floor((4 * over) / weight.limit) : MOST;
  const doubled = over < 0 ? 0 : Math.min(MOST, quarters), plain = weight.fen * waited;
  return { waited, doubled, worth: doubled ? Math.max(plain, LEAST) * 2 ** doubled : plain };
}

const at = (weight, now) => explained(weight, now).worth;

/** By how much waiting has raised what a case is worth: 1 for one that has just come. */
export const raised = (weight, now) => (weight.fen ? at(weight, now) / weight.fen : 1);

/** Money in whole yuan, of a million yuan and more with four figures. Of two cases the earlier never shows less. */
export function yuanOf(fen, language) {
  const short = fen >= 1e8 ? { notation: "compact", maximumSignificantDigits: 4 } : { maximumFractionDigits: 0 };
  return `¥${new Intl.NumberFormat(language, short).format(fen / 100)}`;
}

/** The figure by which cases are ranked: a score, with no currency beside the money of the case. */
export const scoreOf = (fen, language) => yuanOf(fen, language).slice(1);

const place = (weight, now) => [weight.turn, -at(weight, now)];

/** Whether one case is to be taken before another. */
export function before(one, other, now) {
  const mine = place(one, now), its = place(other, now);
  const first = mine.findIndex((part, number) => part !== its[number]);
  return first < 0 ? one.id < other.id : mine[first] < its[first];
}
