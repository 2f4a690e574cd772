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
      const left = act.stage === "on_the_way" ? task.left || at : "", leave_by = due === "" ? "" : task.leave_by;
      return { ...task, stage: act.stage, due, left, leave_by, check_in: act.stage === "arrived" ? at + checkIn : "" };
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

// The server's order, but a visit that he has begun stands on top at once, without network too.
export const atTheDoorFirst = (tasks) => {
  const begun = (task) => task.stage === "arrived";
  return [...tasks.filter(begun), ...tasks.filter((task) => !begun(task))];
};

// For the list: on top stands what still waits to be accepted, the nearest deadline first: it takes one tap, and another
// officer is sent if it is not made. Then what he is doing; a result that only has to be written waits longer.
export function acceptFirst(tasks) {
  const at = (task) => (task.due === "" ? Infinity : Number(task.due));
  const begun = (task) => !task.open_result && ["on_the_way", "arrived"].includes(task.stage);
  const waits = tasks.filter((task) => task.stage === "assigned").sort((one, other) => at(one) - at(other));
  const known = [...waits, ...tasks.filter(begun)];
  return [...known, ...tasks.filter((task) => !known.includes(task))];
}

// Nobody is at two doors: of the visits that he has arrived at, the one with the latest deadline was the last, and the
// others only lack their result (`open_result`). A deadline that the server has not told yet is of an arrival just made.
export function oneDoor(tasks) {
  const doors = tasks.filter((task) => task.stage === "arrived");
  const at = (task) => (task.due === "" ? Infinity : Number(task.due));
  const last = doors.reduce((one, other) => (one && at(one) >= at(other) ? one : other), undefined);
  return tasks.map((task) => ({ ...task, open_result: task.stage === "arrived" && task !== last }));
}

// The name of an act among the page's words.
export const nameOf = (act) => (act.do === "stage" ? act.stage : act.do === "place" ? act.state : act.do);

export const made = (fields, at) => ({ ...fields, id: crypto.randomUUID().replaceAll("-", ""), at: new Date(at).toISOString() });

// The server's time, also long after it was heard last: the device's clock may be wrong, and a demo's time runs faster.
export const serverTime = (me) => (me ? me.now + (Date.now() - me.device) * me.speed : Date.now());
