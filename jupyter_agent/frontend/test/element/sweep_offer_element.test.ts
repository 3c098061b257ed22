import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SweepOffer } from "../../src/element/sweep_offer.js";
import { TaskListStore } from "../../src/model/task_list_store.js";
import * as shared from "../../src/net/connection_pool.js";
import { event, ScriptedServer, settle, snapshot } from "../support/scripted_server.js";

vi.mock("../../src/net/connection_pool.js", () => ({ sharedConnection: vi.fn() }));
customElements.define("jupyter-agent-sweep", SweepOffer);

let server: ScriptedServer;
let element: SweepOffer;

const offers = async () => {
  for (let round = 0; round < 3; round += 1) {
    await settle();
    await element.updateComplete;
  }
  return [...element.querySelectorAll("button")].map((one) => one.textContent);
};

beforeEach(() => {
  server = new ScriptedServer();
  vi.mocked(shared.sharedConnection).mockReturnValue(server.connection);
  const list = TaskListStore.of(server.connection, server.server);
  list.subscribe(() => {});
  server.welcome();
  const task = snapshot("b", { name: "fit", params: { lr: "1" } });
  server.answerSnapshots([task]);
  element = Object.assign(new SweepOffer(), { server: server.server, task });
  document.body.append(element);
});

afterEach(() => element.remove());

it("offers a comparison as soon as there is another task to compare with", async () => {
  expect(await offers()).toEqual([]);
  const about = { name: "fit", params: { lr: "2" } };
  server.sendEvents(event(1, "c", "state", { state: "queued", about }));
  expect(await offers()).toEqual(["Compare the 2 runs of fit"]);
});

it("offers one with a task that has metrics alone, which a list has to ask for", async () => {
  const about = { name: "fit" };
  server.sendEvents(
    event(1, "c", "state", { state: "queued", about }),
    event(2, "c", "state", { state: "running" }),
  );
  expect(await offers()).toEqual([]);
  server.advance(5);
  server.answerSnapshots([snapshot("c", { name: "fit", metrics: { loss: { value: 1, step: 0 } } })]);
  expect(await offers()).toEqual(["Compare the 2 runs of fit"]);
});
