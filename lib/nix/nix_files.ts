import type { NixFiles } from "./nix.ts";

/** The file system of the machine. */
export const nixFiles: NixFiles = {
  makeFolder: (path) => Deno.mkdir(path, { recursive: true }),
  async remove(path) {
    try {
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
};
