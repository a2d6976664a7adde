import { nameInStore, parsePackageName } from "./package_name.ts";

/** A store path of a closure, and how large it is, in bytes; null where nobody knows. */
export interface ClosurePath {
  readonly path: string;
  readonly size: number | null;
}

/** How a package differs between two closures. All outputs of it count as one. */
export interface PackageChange {
  readonly name: string;
  /** Its versions before, in order; empty where it was not there. A package without a version has the version "". */
  readonly from: readonly string[];
  /** Its versions after. */
  readonly to: readonly string[];
  /** In bytes; 0 where it was not there, null where it is not known. */
  readonly sizeBefore: number | null;
  readonly sizeAfter: number | null;
}

/** What a change of the version would bring, package by package, by name. */
export interface ClosureDifference {
  readonly added: readonly PackageChange[];
  readonly removed: readonly PackageChange[];
  /** Other versions, or the same ones with another size. */
  readonly changed: readonly PackageChange[];
  /** Of the whole closure, in bytes; null where it is not known. */
  readonly sizeBefore: number | null;
  readonly sizeAfter: number | null;
}

// A package that was only built anew differs by a few bytes, in nothing that anybody wants to read. As `nix store
// diff-closures` does.
const SAME_SIZE = 8 * 1024;

/** Compares two closures package by package. Pure. */
export function compareClosures(
  before: readonly ClosurePath[],
  after: readonly ClosurePath[],
  storeFolder: string,
): ClosureDifference {
  const old = packagesOf(before, storeFolder);
  const now = packagesOf(after, storeFolder);
  const added: PackageChange[] = [];
  const removed: PackageChange[] = [];
  const changed: PackageChange[] = [];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  for (const name of names) {
    const [was, is] = [old.get(name), now.get(name)];
    const change: PackageChange = {
      name,
      from: versionsOf(was),
      to: versionsOf(is),
      sizeBefore: was === undefined ? 0 : sizeOf(was),
      sizeAfter: is === undefined ? 0 : sizeOf(is),
    };
    if (was === undefined) added.push(change);
    else if (is === undefined) removed.push(change);
    else if (differs(change)) changed.push(change);
  }
  return { added, removed, changed, sizeBefore: sizeOf(before), sizeAfter: sizeOf(after) };
}

function differs({ from, to, sizeBefore, sizeAfter }: PackageChange): boolean {
  if (from.join(" ") !== to.join(" ")) return true;
  return sizeBefore !== null && sizeAfter !== null && Math.abs(sizeAfter - sizeBefore) >= SAME_SIZE;
}

function packagesOf(closure: readonly ClosurePath[], storeFolder: string): Map<string, VersionedPath[]> {
  const packages = new Map<string, VersionedPath[]>();
  for (const { path, size } of closure) {
    const storeName = nameInStore(path, storeFolder);
    if (storeName === null) continue;
    const { name, version } = parsePackageName(storeName);
    const paths = packages.get(name);
    if (paths === undefined) packages.set(name, [{ version, size }]);
    else paths.push({ version, size });
  }
  return packages;
}

interface VersionedPath {
  readonly version: string;
  readonly size: number | null;
}

function versionsOf(paths: readonly VersionedPath[] = []): string[] {
  const versions = new Set(paths.map(({ version }) => version));
  return [...versions].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

function sizeOf(paths: readonly { readonly size: number | null }[]): number | null {
  let sum = 0;
  for (const { size } of paths) {
    if (size === null) return null;
    sum += size;
  }
  return sum;
}
