// What an act makes of a task, before the server has answered and after. A copy, or null when it leaves the list.
const LEAVES = new Set(["refused", "not_at_home", "done"]);

export function applied(task, act, checkIn) {
  if (act.dispatch !== task.dispatch) return task;
  const at = Date.parse(act.at);
  switch (act.do) {
    case "stage": {
      if (LEAVES.has(act.stage)) return null;
      // accepting and arriving each have a new deadline, which only the server knows: the old one would run out here
      const due = act.stage === "on_the_way" ? task.due : "";
      return { ...task, stage: act.stage, due, check_in: act.stage === "arrived" ? at + checkIn : "" };
    }
    case "hand_over":
    case "seen":
      return null;
    case "check_in":
      return { ...task, check_in: at + checkIn };
    default:
      return task;
  }
}

// The name of an act among the page's words.
export const nameOf = (act) => (act.do === "stage" ? act.stage : act.do);

export const made = (fields, at) => ({ ...fields, id: crypto.randomUUID().replaceAll("-", ""), at: new Date(at).toISOString() });

// The server's time, also long after it was heard last: the device's clock may be wrong, and a demo's time runs faster.
export const serverTime = (me) => (me ? me.now + (Date.now() - me.device) * me.speed : Date.now());
