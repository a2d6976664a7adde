/** What tells whether a file was changed or exchanged; empty where there is none. What is wrong with it is found when it is read. */
export function stampOf(file: string): string {
  try {
    const { dev, ino, mtime, size } = Deno.statSync(file);
    return [dev, ino, mtime?.getTime(), size].join();
  } catch {
    return "";
  }
}
