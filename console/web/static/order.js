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

function at(weight, now) {
  const over = beyond(weight, now);
  const worth = weight.fen * (1 + Math.max(0, now - weight.since) / weight.patience);
  if (over < 0) return worth;
  const quarters = weight.limit ? 1 + Math.floor((4 * over) / weight.limit) : MOST;
  return Math.max(worth, LEAST) * 2 ** Math.min(MOST, quarters);
}

/** By how much waiting has raised what a case is worth: 1 for one that has just come. */
export const raised = (weight, now) => (weight.fen ? at(weight, now) / weight.fen : 1);

const place = (weight, now) => [weight.turn, -at(weight, now)];

/** Whether one case is to be taken before another. */
export function before(one, other, now) {
  const mine = place(one, now), its = place(other, now);
  const first = mine.findIndex((part, number) => part !== its[number]);
  return first < 0 ? one.id < other.id : mine[first] < its[first];
}
