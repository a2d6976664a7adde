import type { CheckResult } from "../../agent/check.ts";
import type { PackageChange, Preview } from "../../nix/preview.ts";
import { formatSize } from "../../nix/size.ts";
import type { Page } from "../context.ts";
import { buildDocument } from "./documents.ts";
import { type Entry, layOut, paint, shorten, wrap } from "./layout.ts";
import { momentAndDistance } from "./times.ts";

/** What a poll would do now, as text for a person. */
export function renderCheck(name: string, result: CheckResult, now: number, page: Page): string {
  const { current, latest, preview } = result;
  const finished = latest.finishedAt === null
    ? ""
    : `, finished ${momentAndDistance(latest.finishedAt * 1_000, now)}`;
  const entries: Entry[] = [
    { label: "Profile", paragraphs: [current ?? "nothing yet"] },
    { label: "Latest", paragraphs: [`build ${latest.id} (${latest.name})${finished}`, latest.outPath] },
    ...(preview === null ? [] : previewEntries(preview)),
  ];
  return [
    ...headline(name, result, page),
    ...layOut(entries, page),
    ...(preview?.difference ? differenceLines(preview.difference, page) : []),
  ].join("\n");
}

function headline(name: string, { verdict, latest, preview, unwell }: CheckResult, page: Page): string[] {
  const build = `build ${latest.id} (${latest.name})`;
  const [text, tone] = ((): [string, "good" | "doubtful" | "bad"] => {
    if (unwell) return [`${build} is in place, and what has failed would be tried again`, "doubtful"];
    if (verdict.do === "nothing") return [`${build} is active; nothing would be done`, "good"];
    if (verdict.do === "refuse") {
      return [`${build} would not be deployed: ${verdict.why}. ${verdict.next}`, "doubtful"];
    }
    if (preview?.enough === false) return [`${build} would not be fetched: there is too little room`, "bad"];
    return [`${build} would be deployed`, "good"];
  })();
  return wrap(`${name}: ${text}`, 0, page).map((line) => paint(line, tone, page));
}

function previewEntries(preview: Preview): Entry[] {
  const { pathsToFetch, downloadBytes, unpackedBytes, freeBytes, neededBytes, difference, note } = preview;
  const entries: Entry[] = [];
  if (pathsToFetch !== null) {
    const sizes = [
      ...(downloadBytes === null ? [] : [`${formatSize(downloadBytes)} to download`]),
      ...(unpackedBytes === null ? [] : [`${formatSize(unpackedBytes)} unpacked`]),
    ];
    const paths = `${pathsToFetch} store ${pathsToFetch === 1 ? "path" : "paths"}`;
    entries.push({
      label: "To fetch",
      paragraphs: [pathsToFetch === 0 ? "nothing, all of it is in the store" : [paths, ...sizes].join(", ")],
    });
  }
  if (freeBytes !== null) {
    const needed = neededBytes === null || neededBytes === 0
      ? ""
      : `; ${formatSize(neededBytes)} must be, with a margin`;
    entries.push({
      label: "Disk",
      tone: preview.enough === false ? "bad" : "plain",
      paragraphs: [`${formatSize(freeBytes)} are free${needed}`],
    });
  }
  if (difference !== null && difference.sizeBefore !== null && difference.sizeAfter !== null) {
    const { sizeBefore, sizeAfter } = difference;
    entries.push({
      label: "Closure",
      paragraphs: [
        `${formatSize(sizeAfter)}, before ${formatSize(sizeBefore)} (${change(sizeBefore, sizeAfter)})`,
      ],
    });
  }
  if (note !== null) entries.push({ label: "Note", paragraphs: [note] });
  return entries;
}

function differenceLines(
  { added, removed, changed }: NonNullable<Preview["difference"]>,
  page: Page,
): string[] {
  if (added.length + removed.length + changed.length === 0) return ["  No package changes."];
  return [
    ...changeLines("Changed", changed, page),
    ...changeLines("Added", added, page),
    ...changeLines("Removed", removed, page),
  ];
}

const CHANGE_INDENT = 4;

function changeLines(heading: string, changes: readonly PackageChange[], page: Page): string[] {
  if (changes.length === 0) return [];
  const rows = changes.map((one) =>
    [one.name, versions(one), change(one.sizeBefore, one.sizeAfter)] as const
  );
  const sizeWidth = Math.max(...rows.map(([, , size]) => size.length));
  // On a terminal what is too long is cut, so that versions and sizes stay in sight.
  const longest = Math.max(...rows.map(([name]) => name.length));
  const nameWidth = page.terminal ? Math.min(longest, Math.floor(page.columns * 0.4)) : longest;
  const left = page.terminal ? page.columns - CHANGE_INDENT - sizeWidth - 2 : Infinity;
  const texts = rows.map(([name, version, size]) =>
    [shorten(`${shorten(name, nameWidth).padEnd(nameWidth)}  ${version}`, left), size] as const
  );
  const width = Math.max(...texts.map(([text]) => text.length));
  return [
    `  ${paint(`${heading}:`, "heading", page)}`,
    ...texts.map(([text, size]) =>
      `${" ".repeat(CHANGE_INDENT)}${text.padEnd(width)}  ${size.padStart(sizeWidth)}`
    ),
  ];
}

function versions({ from, to }: PackageChange): string {
  const words = (list: readonly string[]) => list.map((one) => one === "" ? "no version" : one).join(", ");
  if (from.length === 0) return words(to);
  if (to.length === 0) return words(from);
  return words(from) === words(to) ? words(to) : `${words(from)} -> ${words(to)}`;
}

/** A difference of sizes: `+1.5 MiB`, `-512 B`; a question mark where it is not known. */
function change(before: number | null, after: number | null): string {
  if (before === null || after === null) return "?";
  return `${after < before ? "-" : "+"}${formatSize(Math.abs(after - before))}`;
}

/** What a poll would do now, in JSON: `docs/schema/check.json`. */
export function checkDocument(name: string, { profile, current, latest, verdict, preview }: CheckResult) {
  return {
    service: name,
    profile,
    current,
    latest: buildDocument(latest),
    verdict: verdict.do === "refuse"
      ? { do: verdict.do, code: verdict.code, message: verdict.why, next: verdict.next }
      : { do: verdict.do, code: null, message: null, next: null },
    preview: preview === null ? null : {
      paths_to_fetch: preview.pathsToFetch,
      download_bytes: preview.downloadBytes,
      unpacked_bytes: preview.unpackedBytes,
      free_bytes: preview.freeBytes,
      needed_bytes: preview.neededBytes,
      enough: preview.enough,
      difference: preview.difference === null ? null : {
        added: preview.difference.added.map(changeDocument),
        removed: preview.difference.removed.map(changeDocument),
        changed: preview.difference.changed.map(changeDocument),
        bytes_before: preview.difference.sizeBefore,
        bytes_after: preview.difference.sizeAfter,
      },
      note: preview.note,
    },
  };
}

function changeDocument({ name, from, to, sizeBefore, sizeAfter }: PackageChange) {
  return { name, from, to, bytes_before: sizeBefore, bytes_after: sizeAfter };
}
