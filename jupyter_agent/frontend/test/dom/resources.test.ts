import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Metrics } from "../../src/model/metrics/series.js";
import type { Server } from "../../src/net/server.js";
import { curve, type Resources, resourcesText, watchResources } from "../../src/resources/line.js";

const VALUES = { "sys/cpu": 142.4, "sys/memory": 1288490188 };
const found = (more: Partial<Resources> = {}): Resources => ({
  scope: "task",
  processes: 3,
  values: VALUES,
  ...more,
});
const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });

let answers: (() => Response)[];
let box: HTMLElement;
let asked: string[];
const server = {
  fetch: (path: string) => {
    asked.push(path);
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    return Promise.resolve().then(answer);
  },
} as unknown as Server;

beforeEach(() => {
  vi.useFakeTimers();
  [answers, asked] = [[() => json(found())], []];
  box = document.createElement("div");
  box.hidden = true;
  document.body.append(box);
});

afterEach(() => void vi.useRealTimers());

const turn = () => vi.advanceTimersByTimeAsync(2000);

function watched(
  place = document.createElement("button"),
  attempt = 1,
): { place: HTMLElement; stop: () => void } {
  place.hidden = true;
  return { place, stop: watchResources(place, server, { id: "t/1", attempt, box }) };
}

describe("the words", () => {
  it.each([
    [found(), "CPU 142% · 1.2 GiB"],
    [
      found({ values: { ...VALUES, "sys/gpu": 87, "sys/gpu_memory": 3 << 29 } }),
      "CPU 142% · 1.2 GiB · GPU 87%, 1.5 GiB",
    ],
    [found({ scope: "kernel", values: { "sys/memory": 512 } }), "kernel's 512 B"],
    [found({ scope: "process" }), "process's CPU 142% · 1.2 GiB"],
  ])("%j", (resources, text) => expect(resourcesText(resources)).toBe(text));

  it("the curve ends where the last value is", () => {
    expect(curve([0, 25, 50, 75, 100])).toBe("1.0,13.0 3.1,10.0 5.3,7.0 7.4,4.0 9.6,1.0");
  });

  it("there is no curve of fewer than five values", () => {
    expect(curve([0, 25, 50, 75])).toBe("");
  });
});

describe("the line", () => {
  it("is there from the first answer on, and asked for every two seconds", async () => {
    const { place, stop } = watched();
    expect(place.hidden).toBe(true);
    await turn();
    expect(place.hidden).toBe(false);
    expect(place.textContent).toBe("CPU 142% · 1.2 GiB");
    const drawn = () => place.querySelector("polyline")!.getAttribute("points")!;
    expect(drawn()).toBe("");
    await turn();
    expect(asked).toEqual(Array<string>(asked.length).fill("tasks/t%2F1/resources"));
    expect(asked.length).toBeLessThanOrEqual(3);
    for (let more = 0; more < 3; more += 1) await turn();
    expect(drawn().split(" ").length).toBeGreaterThanOrEqual(5);
    stop();
    expect([place.hidden, place.childNodes.length]).toEqual([true, 0]);
    const count = asked.length;
    await turn();
    expect(asked).toHaveLength(count);
  });

  it.each([
    ["nothing can be known", () => json(found({ scope: null, values: {} }))],
    ["the server does not have it", () => json({}, 404)],
  ])("is not there, and not asked for again, when %s", async (_, answer) => {
    answers = [answer];
    const { place } = watched();
    await turn();
    await turn();
    expect(asked).toHaveLength(1);
    expect(place.hidden).toBe(true);
  });

  it("is asked for again after a failure", async () => {
    const broken = () => new Response("{");
    answers = [
      () => json({}, 503),
      () => Promise.reject(new Error("away")) as never,
      broken,
      () => json(found()),
    ];
    const { place, stop } = watched();
    await turn();
    await turn();
    await turn();
    await turn();
    expect(place.textContent).toBe("CPU 142% · 1.2 GiB");
    stop();
  });

  it("is not asked for while the page is hidden", async () => {
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    const { place, stop } = watched();
    await turn();
    expect(asked).toHaveLength(0);
    hidden.mockReturnValue(false);
    await turn();
    await turn();
    expect(place.hidden).toBe(false);
    stop();
  });
});

describe("the System panel", () => {
  class Plots extends HTMLElement {
    metrics: Metrics | null = null;
    version = 0;
  }

  beforeEach(() => {
    if (!customElements.get("jupyter-agent-plot")) customElements.define("jupyter-agent-plot", Plots);
  });

  const plots = () => box.querySelector<Plots & { csv(): Promise<string> }>("jupyter-agent-system");
  const counts = () => [...(plots()?.metrics?.series ?? [])].map(([name, { count }]) => `${name} ${count}`);

  it("has the values from when it was opened, as series by time, and keeps none before", async () => {
    const { place, stop } = watched();
    await turn();
    await turn();
    expect([box.hidden, box.childNodes.length]).toEqual([true, 0]);
    place.click();
    expect(place.getAttribute("aria-expanded")).toBe("true");
    expect(counts()).toEqual(["sys/cpu % 1", "sys/memory MiB 1"]);
    await turn();
    expect(counts()).toEqual(["sys/cpu % 2", "sys/memory MiB 2"]);
    const memory = plots()!.metrics!.series.get("sys/memory MiB")!;
    expect(memory.points.map(({ step, time, y }) => [step, Math.round(time), Math.round(y)])).toEqual([
      [null, 0, 1229],
      [null, 2, 1229],
    ]);
    expect(await plots()!.csv()).toMatch(/^metric,step,time,value\nsys\/cpu %,,20.*,142.4\n/);
    stop();
  });

  it("costs nothing once it is closed, or out of sight, and goes on where it was", async () => {
    const first = watched();
    await turn();
    first.place.click();
    first.stop();
    const count = asked.length;
    await turn();
    await turn();
    expect([asked.length, counts()[0]]).toEqual([count, "sys/cpu % 1"]);
    expect(box.textContent).toContain("not measured now");
    const second = watched(first.place as HTMLButtonElement); // in sight again
    await turn();
    expect(second.place.getAttribute("aria-expanded")).toBe("true");
    expect(box.textContent).not.toContain("not measured now");
    expect(counts()[0]).toMatch(/^sys\/cpu % [23]$/);
    box.querySelector<HTMLElement>("[aria-label='Close System']")!.click();
    expect([box.hidden, plots(), second.place.getAttribute("aria-expanded")]).toEqual([true, null, "false"]);
    second.stop();
  });

  it("starts over with the task's next attempt", async () => {
    const first = watched();
    await turn();
    first.place.click();
    await turn();
    expect(counts()[0]).toBe("sys/cpu % 2");
    first.stop();
    const second = watched(first.place as HTMLButtonElement, 2);
    await vi.advanceTimersByTimeAsync(0);
    expect(counts()[0]).toBe("sys/cpu % 1");
    second.place.click(); // once: the watch of before hears it no more
    expect(plots()).toBeNull();
    second.stop();
  });
});
