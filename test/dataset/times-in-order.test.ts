import { describe, expect, test } from "vitest";
import { checkedTimesInOrder, timesInOrder } from "../../src/dataset/times-in-order.js";

describe("times", () => {
  test.each([
    [["10", "9", "-1.5", "1e1"]],
    [["2024-05-31", "2023-12-31", "2024-01-02"]],
    [["2024-05-31T10:00:00.5Z", "2024-05-31T10:00:00.25Z", "2024-05-31T09:59:59Z"]],
    [["2024Q1", "2023Q4"]],
    [["2024-W09", "2024-W10"]],
    [["09:30", "10:05"]],
    [["b", "a", "marathon"]],
    [["2024/1/5", "2024/1/9"]],
  ])("%j are in order as they are", (times) => {
    expect(checkedTimesInOrder(times, "t")).toEqual(timesInOrder(times));
  });

  test.each([
    [["1/2/2024", "1/10/2024"]],
    [["01/31/2023", "02/01/2022"]],
    [["31.12.2023", "01.02.2024"]],
    [["05-01-24", "04-02-24"]],
    [["Jan 2024", "Feb 2024"]],
    [["5 December 2023"]],
    [["week 9", "week 10"]],
    [["2024-1-9", "2024-1-10"]],
    [["1", "10", "9", "later"]],
  ])("%j are not, and refused", (times) => {
    expect(() => checkedTimesInOrder(times, "t")).toThrow("t: times of text are ordered by their characters");
  });
});
