import { describe, expect, it } from "vitest";
import { changeBody, newBody, triggerOf } from "../../src/run/body.js";
import { draftOf, quoted } from "../../src/run/draft.js";
import type { Schedule } from "../../src/screens/run_options.js";

const NOON = new Date(2026, 10, 30, 23, 20);

const schedule: Schedule = {
  id: "S",
  name: "nightly",
  target: { kind: "notebook", path: "/home/ada/train.ipynb", parameters: { epochs: 5, token: "••••" } },
  trigger: { kind: "cron", expression: "0 3 * * *", timezone: "Europe/Berlin" },
  text: "at 03:00 (Europe/Berlin)",
  timezone: "Europe/Berlin",
  overlap: "queue",
  paused: false,
  next: 1,
  last_task: null,
  retries: 2,
  timeout: null,
  cwd: "/home/ada",
};

describe("a new task", () => {
  it("of a notebook has only what was entered", () => {
    const draft = draftOf({ path: "reports/a b.ipynb" }, NOON);
    expect(JSON.parse(newBody(draft, []))).toEqual({ target: "reports/a b.ipynb", parameters: {} });
  });

  it("of a Python file is a command, or a function of the file", () => {
    const draft = draftOf({ path: "jobs/it's.py" }, NOON);
    expect(JSON.parse(newBody(draft, []))).toEqual({ target: `-- python 'jobs/it'"'"'s.py'` });
    expect(draft.targets.function).toBe("jobs/it's.py:");
  });

  it("has numbers as they were typed, and its options", () => {
    const draft = { ...draftOf({ path: "a.ipynb" }, NOON), values: { lr: "5.0" }, retries: "3", key: " k " };
    const body = newBody(draft, []);
    expect(body).toContain('"lr":5.0');
    expect(JSON.parse(body)).toMatchObject({ retries: 3, key: "k" });
  });
});

describe("a schedule", () => {
  it("has its trigger, and no key", () => {
    const draft = {
      ...draftOf({ path: "a.ipynb" }, NOON),
      when: "every" as const,
      timezone: "UTC",
      key: "k",
    };
    const body = JSON.parse(newBody(draft, []));
    expect(body.schedule).toEqual({ every: "1h", timezone: "UTC", overlap: "skip" });
    expect(body).not.toHaveProperty("key");
    expect(triggerOf({ ...draft, timezone: " " })).toEqual({ every: "1h" });
  });

  it("is suggested for the next full hour of the next day, near midnight", () => {
    expect(draftOf({}, NOON).at).toBe("2026-12-01T00:00");
  });

  it("is edited with what it has", () => {
    const draft = draftOf({ schedule }, NOON);
    expect(draft).toMatchObject({
      kind: "notebook",
      when: "cron",
      cron: "0 3 * * *",
      retries: "2",
      overlap: "queue",
    });
    expect(triggerOf(draft)).toEqual({ cron: "0 3 * * *", timezone: "Europe/Berlin" });
    const at = { ...schedule, trigger: { kind: "at", time: 1_795_420_800, timezone: "Europe/Berlin" } };
    expect(draftOf({ schedule: at }, NOON)).toMatchObject({ when: "at", at: "2026-11-23T09:00:00" });
  });

  it("is changed by what differs, and keeps its masked secret", () => {
    const before = draftOf({ schedule }, NOON);
    expect(JSON.parse(changeBody(before, before, []))).toEqual({});
    const later = { ...before, cron: "0 4 * * *", timeout: "60", values: { epochs: "6" } };
    expect(JSON.parse(changeBody(later, before, []))).toEqual({
      timeout: 60,
      schedule: { cron: "0 4 * * *", timezone: "Europe/Berlin", overlap: "queue" },
      parameters: { token: "••••", epochs: 6 },
    });
  });
});

it("quotes a word where a shell would need it", () => {
  expect(["a.py", "a b", "it's", ""].map(quoted)).toEqual(["a.py", "'a b'", `'it'"'"'s'`, "''"]);
});
