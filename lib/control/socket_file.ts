import { Failure } from "../failure/failure.ts";

/** Opens the socket that hail listens on. */
export interface SocketPlace {
  /** Where the socket is to be. */
  readonly path: string;
  /** The group whose members may ask; null where there is none. */
  readonly gid: number | null;
}

/**
 * Listens on a socket of the file system. One that an earlier hail has left is replaced; whoever calls this holds the lock
 * of the profile, so nobody can listen on it any more.
 *
 * Only the owner may connect, and the group if there is one. So that nobody else can at any moment, whatever the umask and
 * the state folder allow, the socket gets its rights in a folder that only its owner can enter, and comes to its place
 * then.
 *
 * @returns The listener, and what went wrong with the group, if something did: then only the owner may connect.
 * @throws {Failure} `state-unwritable`: it cannot be made, or something else is in its place.
 */
export function openSocket({ path, gid }: SocketPlace): {
  readonly listener: Deno.UnixListener;
  readonly groupError: unknown;
} {
  const folder = `${path}.new`;
  try {
    refuseOther(path);
    removeFolder(folder);
    Deno.mkdirSync(folder, { mode: 0o700 });
    const listener = Deno.listen({ transport: "unix", path: `${folder}/s` });
    try {
      const groupError = admitGroup(`${folder}/s`, gid);
      Deno.renameSync(`${folder}/s`, path);
      return { listener, groupError };
    } catch (error) {
      listener.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("state-unwritable", {
      what: path,
      why: `no socket can be made there (${error instanceof Error ? error.message : String(error)})`,
      next: "Check that the state folder can be written, and that its path is shorter than 80 bytes.",
      cause: error,
    });
  } finally {
    removeFolder(folder);
  }
}

/** Gives the socket to the group. Where that fails, it stays the owner's alone, and the error is returned. */
function admitGroup(path: string, gid: number | null): unknown {
  Deno.chmodSync(path, 0o600);
  if (gid === null) return undefined;
  try {
    Deno.chownSync(path, null, gid);
    Deno.chmodSync(path, 0o660);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Only a socket is ever replaced. */
function refuseOther(path: string) {
  let found: Deno.FileInfo;
  try {
    found = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (found.isSocket === true) return;
  throw new Failure("state-unwritable", {
    what: path,
    why: "something other than a socket is in its place",
    next: "Move it out of the way.",
  });
}

/** Removes the folder of this start, or of one that was cut off. */
function removeFolder(folder: string) {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // It was not there, or cannot be made either, which is said then.
  }
}
