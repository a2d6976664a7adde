import { eventually } from "./command.ts";

/**
 * Waits until this process has no file below a folder open. On versions of Deno where a lock can only be waited for, what was
 * given up is closed when its turn has come, which may be a moment after all else.
 */
export function filesClosed(folder: string): Promise<void> {
  return eventually(
    `all files below ${folder} are closed`,
    () => !openFiles().some((path) => path.startsWith(`${folder}/`)),
  );
}

function openFiles(): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      // It was closed meanwhile, as that of the folder itself.
      return [];
    }
  });
}
