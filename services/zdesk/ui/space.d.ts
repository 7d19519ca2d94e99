/** `space.js`, version 1: what the page of a UI space can do. Names are added, never changed or removed. */
declare const space: {
  /** The version of this surface. */
  readonly version: 1;
  /** Where the page is shown in the world, if it is shown there. */
  readonly position: Position | null;
  /** What refused calls throw. */
  readonly Error: SpaceErrorConstructor;
  /**
   * Sends along a path of this space, or to the one space that one path leads to. Fulfilled when the message is on
   * its way. Needs `net.emit_to`.
   */
  send(path: string, message: Sendable): Promise<void>;
  /** Sends, and is fulfilled with the first answer. Needs `net.emit_to`. */
  request(path: string, message: Sendable, options?: { /** Milliseconds; 60,000 by default. */ timeout?: number }): Promise<Received>;
  /**
   * Calls back with each message that comes on paths of this name; needs `net.recv_next`. `events/<name>` is an
   * event, and needs `events.subscribe`. Returns what ends it.
   */
  subscribe(path: string, callback: (message: Received, about: About) => void): () => void;
  /** Adds a line to the space's log. Needs `sys.log`. */
  log(text: unknown): void;
};

/** Text and bytes go as they are, anything else as JSON. At most 64 KiB. */
type Sendable = string | ArrayBuffer | ArrayBufferView | object | number | boolean | null;
/** Text where the bytes are UTF-8, else the bytes. */
type Received = string | Uint8Array;

interface About {
  /** The path's name, or `events/<name>`. */
  readonly path: string;
  /** Who sent it: `name#instance`. */
  readonly from: string;
  /** The message's id. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

interface Position {
  /** The location's id. */
  readonly at: string;
  /** The face's direction. */
  readonly face: "north" | "east" | "south" | "west";
}

interface SpaceError extends Error {
  /** `denied`, `not-found`, `would-block`, `invalid`, `too-large`, `quota`, `closed`, `expired`. */
  readonly code: string;
}
interface SpaceErrorConstructor {
  new (refused: { code: string; says: string }): SpaceError;
}
