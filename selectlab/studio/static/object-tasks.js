// Which prediction task marked objects are of: a name such as a.png#3 does not tell.

const KEY = `object-tasks:${location.host}`;
let held = {};
try { held = JSON.parse(sessionStorage.getItem(KEY) ?? "{}"); } catch { /* none */ }

export const OBJECT = /^(.+)#(\d+)$/s;

export function noteTask(name, task) {
  if (held[name] === task) return;
  held[name] = task;
  try { sessionStorage.setItem(KEY, JSON.stringify(held)); } catch { /* full or off */ }
}

export const taskOf = (name) => held[name];

/** What of some marks a campaign about objects of a task can take: not the objects of other tasks. */
export function fitting(names, task) {
  return task ? names.filter((name) => (held[name] ?? task) === task) : names;
}
