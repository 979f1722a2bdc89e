// A subscription that is lost with the connection, refused while Home Assistant starts, or not wanted any more.
import assert from "node:assert/strict";
import test, { mock } from "node:test";

import { follow } from "../../custom_components/smartbms/frontend/follow.js";

const MESSAGE = { type: "smartbms/subscribe_cells", device_id: "abc" };

/** A connection to a Home Assistant that answers as the test says. */
class Connection extends EventTarget {
  subscribed = [];
  left = 0;
  refusal = undefined;

  async subscribeMessage(tell, message, options) {
    assert.deepEqual([message, options], [MESSAGE, { resubscribe: false }]);
    if (this.refusal) throw this.refusal;
    this.subscribed.push(tell);
    return async () => {
      this.left += 1;
    };
  }
}

/** Let everything happen that waits for nothing else. */
const settle = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

function started(refusal) {
  const connection = new Connection();
  connection.refusal = refusal;
  const told = [];
  const failed = [];
  const stop = follow(connection, MESSAGE, (event) => told.push(event), (error) => failed.push(error.code));
  return { connection, told, failed, stop };
}

test("what comes is told, until it is stopped", async () => {
  const { connection, told, stop } = started();
  await settle();
  connection.subscribed[0]("first");
  stop();
  connection.subscribed[0]("late");
  await settle();
  assert.deepEqual([told, connection.left], [["first"], 1]);
});

test("after the connection was lost it is subscribed anew", async () => {
  const { connection, told } = started();
  await settle();
  connection.dispatchEvent(new Event("ready"));
  await settle();
  connection.subscribed[1]("again");
  assert.deepEqual([connection.subscribed.length, told], [2, ["again"]]);
});

test("what is refused is tried again after some seconds", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { connection, failed } = started({ code: "unknown_command" });
  await settle();
  connection.refusal = undefined;
  mock.timers.tick(4999);
  await settle();
  assert.deepEqual([failed, connection.subscribed.length], [["unknown_command"], 0]);
  mock.timers.tick(1);
  await settle();
  assert.equal(connection.subscribed.length, 1);
  mock.timers.reset();
});

test("what was stopped is not tried again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { connection, stop } = started({ code: "not_found" });
  await settle();
  stop();
  connection.refusal = undefined;
  mock.timers.tick(60000);
  connection.dispatchEvent(new Event("ready"));
  await settle();
  assert.equal(connection.subscribed.length, 0);
  mock.timers.reset();
});

test("what was stopped while it was asked for is left as soon as it is there", async () => {
  const { connection, failed, stop } = started();
  stop();
  await settle();
  assert.deepEqual([connection.left, failed], [1, []]);
});

test("what was stopped while it was being refused tells nobody", async () => {
  const { failed, stop } = started({ code: "not_found" });
  stop();
  await settle();
  assert.deepEqual(failed, []);
});

test("leaving a connection that is lost is no error", async () => {
  const { connection, stop } = started();
  connection.subscribeMessage = async () => async () => {
    throw { code: "not_found" };
  };
  connection.dispatchEvent(new Event("ready"));
  await settle();
  stop();
  await settle();
});
