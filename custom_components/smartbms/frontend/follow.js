/** Staying subscribed, whatever happens to the connection and to Home Assistant behind it. */

/** In ms. While Home Assistant starts, the integration does not answer yet. */
const RETRY = 5000;

/**
 * Follow a subscription of Home Assistant's websocket until told to stop.
 *
 * @param {object} connection Home Assistant's connection.
 * @param {object} message The command that subscribes.
 * @param {(event: any) => void} tell Called with every event.
 * @param {(error: {code?: string}) => void} fail Called when it was refused; it is tried again.
 * @returns {() => void} Stops it.
 */
export function follow(connection, message, tell, fail) {
  let isWanted = true;
  let timer;
  let leave = () => {};
  const hear = (event) => isWanted && tell(event);

  const begin = async () => {
    clearTimeout(timer);
    try {
      // The connection's own way to subscribe anew gives up for ever when it is refused once.
      const unsubscribe = await connection.subscribeMessage(hear, message, { resubscribe: false });
      // It is forgotten already where the connection was lost since.
      leave = () => unsubscribe().catch(() => {});
      if (!isWanted) leave();
    } catch (error) {
      if (!isWanted) return;
      fail(error);
      timer = setTimeout(begin, RETRY);
    }
  };

  connection.addEventListener("ready", begin);
  begin();
  return () => {
    isWanted = false;
    clearTimeout(timer);
    connection.removeEventListener("ready", begin);
    leave();
  };
}
