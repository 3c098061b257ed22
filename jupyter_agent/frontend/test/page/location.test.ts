import { afterEach, expect, it } from "vitest";
import { addressOf, placeInAddress, pushPlace, replaceView } from "../../src/page/location.js";

afterEach(() => history.replaceState(null, "", "/"));

it.each([
  ["./", { view: "tasks", argument: "", task: null }],
  ["?task=1", { view: "tasks", argument: "", task: "1" }],
  ["?view=schedules", { view: "schedules", argument: "", task: null }],
  ["?view=schedules&task=1", { view: "schedules", argument: "", task: "1" }],
])("%s is the address of a place", (address, place) => {
  expect(addressOf(place)).toBe(address);
  pushPlace(place);
  expect(placeInAddress()).toEqual(place);
});

it("leads to the list of tasks with a view that is not known", () => {
  history.replaceState(null, "", "/?view=nothing");
  expect(placeInAddress().view).toBe("tasks");
});

it("keeps what the list shows while a task is opened, and not in other views", () => {
  history.replaceState(null, "", "/?q=state%3Afailed&sort=-name&group=tag&other=1");
  expect(addressOf({ view: "tasks", argument: "", task: "1" })).toBe(
    "?q=state%3Afailed&sort=-name&group=tag&task=1",
  );
  expect(addressOf({ view: "schedules", argument: "", task: null })).toBe("?view=schedules");
  replaceView({ query: "b", sort: "", reversed: false, group: "" });
  expect(location.search).toBe("?q=b&other=1");
});
