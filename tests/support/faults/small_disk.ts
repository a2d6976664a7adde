import { run, type RunningCommand } from "../command.ts";

/**
 * A command that mounts a small disk on a folder, for itself and what it starts, and then becomes the program behind it.
 *
 * @param options Of the tmpfs: `size=1m`, `nr_inodes=40`. What is in the folder is copied to it.
 */
export function onSmallDisk(folder: string, options: string): string[] {
  return [
    "sh",
    "-ec",
    `folder=$1; shift
mkdir -p "$folder"
copy=$(mktemp -d)
mount -t tmpfs -o "$1" none "$copy"; shift
cp -a "$folder/." "$copy"
mount --move "$copy" "$folder"
rmdir "$copy"
exec "$@"`,
    "sh",
    folder,
    options,
  ];
}

/** A command that makes a folder read-only, for itself and what it starts, and then becomes the program behind it. */
export function onReadOnly(folder: string): string[] {
  const script = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"';
  return ["sh", "-ec", script, folder];
}

/** A folder as a running program sees it that has mounted something there. */
export class MountedFolder {
  #files = 0;

  constructor(private readonly program: RunningCommand, private readonly folder: string) {}

  /** The path by which others reach it, as long as the program runs. */
  get path(): string {
    return `/proc/${this.program.pid}/root${this.folder}`;
  }

  /** Takes up all the room that is left. */
  async fill(): Promise<void> {
    for (const size of [65_536, 4_096]) {
      using file = await Deno.open(`${this.path}/filler-${size}-${++this.#files}`, {
        write: true,
        create: true,
      });
      const block = new Uint8Array(size);
      while (await writes(file, block));
    }
  }

  /**
   * Takes up all the files that there may be.
   *
   * @param free But for so many.
   */
  async fillInodes(free: number): Promise<void> {
    const made: string[] = [];
    for (;;) {
      const name = `${this.path}/filler-${++this.#files}`;
      try {
        await Deno.symlink("nothing", name);
        made.push(name);
      } catch (error) {
        if (!isFull(error)) throw error;
        break;
      }
    }
    for (const name of made.slice(0, free)) await Deno.remove(name);
  }

  /** Gives the room back. */
  async free(): Promise<void> {
    for (const { name } of await Array.fromAsync(Deno.readDir(this.path))) {
      if (name.startsWith("filler-")) await Deno.remove(`${this.path}/${name}`);
    }
  }

  /** Changes how it is mounted: `bind,rw`, `size=2m`. */
  async remount(options: string): Promise<void> {
    await run([
      ...["nsenter", "--target", `${this.program.pid}`, "--mount", "--"],
      ...["mount", "-o", `remount,${options}`, this.folder],
    ]);
  }
}

/** Whether there is room for a block at the end of a file. */
async function writes(file: Deno.FsFile, block: Uint8Array): Promise<boolean> {
  try {
    return await file.write(block) === block.length;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}
