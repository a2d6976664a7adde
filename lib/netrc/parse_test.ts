import assert from "node:assert/strict";
import fc from "fast-check";
import { parseNetrc } from "./parse.ts";
import { NetrcSyntaxError } from "./syntax_error.ts";

/** The entries without their places: `[machine, login, password]`. */
function read(text: string): (string | null)[][] {
  return parseNetrc(text).entries.map(({ machine, login, password }) => [
    machine,
    login?.text ?? null,
    password?.text ?? null,
  ]);
}

function refusal(text: string): NetrcSyntaxError {
  try {
    parseNetrc(text);
  } catch (error) {
    assert(error instanceof NetrcSyntaxError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${JSON.stringify(text)}` });
}

const character = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."abcXYZ0189.#\"\\,:'$%&@=-") },
  { weight: 1, arbitrary: fc.constantFrom(" ", "\t", "\r", "\n", "\u00e9", "\u{1f600}", "\u00a0") },
);
const word = fc.array(character, { maxLength: 8 }).map((all) => all.join(""));
const space = fc.constantFrom(" ", "  ", "\t", "\n", "\r\n", "\n\n", " \n\t ");
const comment = fc.constantFrom("", '\n# a comment: machine x "\n', "\n  #machine\r\n");
const entry = fc.record({
  machine: fc.option(word),
  values: fc.array(
    fc.record({
      keyword: fc.constantFrom("login", "password", "PassWord", "account"),
      value: word,
      quote: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  macro: fc.constantFrom("", 'macdef init\nlogin x "\n# \nput\n\n', "MACDEF m ignored\r\n \t\r\n"),
  spaces: fc.infiniteStream(fc.tuple(space, comment)),
});

function written(value: string, quote: boolean): string {
  if (!quote && /^[^\s"#][^\s]*$/.test(value)) return value;
  const escapes: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };
  return `"${value.replace(/[\n\r\t"\\]/g, (character) => escapes[character] ?? character)}"`;
}

Deno.test("netrc: what is written in any order, spacing and quoting is read back", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      let text = "";
      const expected = entries.map(({ machine, values, macro, spaces }) => {
        const gap = () => {
          const [space = " ", comment = ""] = spaces.next().value ?? [];
          return space + comment;
        };
        text += machine === null ? `default${gap()}` : `machine${gap()}${written(machine, false)}${gap()}`;
        const found: Record<string, string> = {};
        for (const { keyword, value, quote } of values) {
          text += `${keyword}${gap()}${written(value, quote)}${gap()}`;
          found[keyword.toLowerCase()] = value;
        }
        text += macro;
        return [machine, found["login"] ?? null, found["password"] ?? null];
      });
      assert.deepEqual(read(text), expected, JSON.stringify(text));
    }),
    { numRuns: 300 },
  );
});

Deno.test("netrc: any text is read or refused, and a refusal holds nothing of it", () => {
  const piece = fc.constantFrom(
    ...'"\\#\n\r\t ',
    "machine ",
    "default ",
    "login ",
    "password ",
    "macdef ",
    "S3CRET",
    "\n\n",
    "\u00e9",
    "\0",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }).map((all) => all.join("")), (text) => {
      try {
        parseNetrc(text);
      } catch (error) {
        assert(error instanceof NetrcSyntaxError, String(error));
        assert(!/S3CRET/.test(error.message + error.why + error.stack));
        const line = text.split("\n")[error.line - 1];
        assert(
          line !== undefined && error.column >= 1 && error.column <= line.length,
          `${error.line}:${error.column}`,
        );
      }
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("netrc: machines, default and their values are read", () => {
  assert.deepEqual(
    read(
      "machine a login l password p\nmachine b password q account z login m\ndefault\n\tlogin n\n\tpasswd r\n",
    ),
    [["a", "l", "p"], ["b", "m", "q"], [null, "n", "r"]],
  );
  assert.deepEqual(read("machine a machine b login l"), [["a", null, null], ["b", "l", null]]);
  assert.deepEqual(read(""), []);
  assert.deepEqual(read(" \n\t\r\n# nothing here"), []);
});

Deno.test("netrc: keywords are the same in upper and lower case, and a value may look like one", () => {
  assert.deepEqual(read("MACHINE a Login login PASSWORD machine DEFAULT password default"), [
    ["a", "login", "machine"],
    [null, null, "default"],
  ]);
});

Deno.test("netrc: line ends of DOS are white space", () => {
  assert.deepEqual(read("machine a\r\nlogin l\r\npassword p\r\n"), [["a", "l", "p"]]);
});

Deno.test("netrc: a # is a comment at the start of a line and where a keyword may stand", () => {
  assert.deepEqual(
    read("# login x\nmachine a # login x\nlogin l #password x\n  # password x\npassword p # end"),
    [
      ["a", "l", "p"],
    ],
  );
  assert.deepEqual(
    read("machine a password\n# not the password\np"),
    [["a", null, "p"]],
    "as curl: the line is skipped",
  );
});

Deno.test("netrc: a # in a value belongs to it, as in curl since 8.11", () => {
  assert.deepEqual(read("machine a login #l password #abc"), [["a", "#l", "#abc"]]);
  assert.deepEqual(read("machine a login l#m password ab#c#"), [["a", "l#m", "ab#c#"]]);
  assert.deepEqual(read('machine a password "#abc"'), [["a", null, "#abc"]]);
  assert.deepEqual(read('machine a password\n"#abc"'), [["a", null, "#abc"]]);
});

Deno.test("netrc: quotes hold white space and escapes", () => {
  assert.deepEqual(read(String.raw`machine "a b" login "x \"y\" \\z" password "\n\r\t\q"`), [
    ["a b", 'x "y" \\z', "\n\r\tq"],
  ]);
  assert.deepEqual(read('machine a login "" password ""'), [["a", "", ""]]);
});

Deno.test("netrc: a quote, a backslash and a comma within a bare word are themselves", () => {
  assert.deepEqual(read('machine a login a"b" password a\\n,b'), [["a", 'a"b"', "a\\n,b"]]);
});

Deno.test("netrc: a macro goes up to a blank line or the end of the file", () => {
  assert.deepEqual(read("macdef init\nmachine x\nlogin y\n\nmachine a login l"), [["a", "l", null]]);
  assert.deepEqual(read('machine a login l\nmacdef init\npassword x "\n \t\npassword p'), [["a", "l", "p"]]);
  assert.deepEqual(read("machine a\r\nmacdef init\r\ncd /\r\n\r\nlogin l"), [["a", "l", null]]);
  assert.deepEqual(read("machine a macdef init\n\nlogin l"), [["a", "l", null]], "an empty macro");
  assert.deepEqual(read("machine a macdef init\nlogin l"), [["a", null, null]]);
  assert.deepEqual(read("machine a macdef init"), [["a", null, null]]);
});

Deno.test("netrc: the last of two equal keywords counts", () => {
  assert.deepEqual(read("machine a login l login m password p password q"), [["a", "m", "q"]]);
});

Deno.test("netrc: what is malformed is refused with its place", () => {
  const rows: [text: string, line: number, column: number, why: RegExp][] = [
    ["machine", 1, 1, /'machine' has no value/],
    ["machine a\nlogin l\n  Password \n", 3, 3, /'password' has no value/],
    ["machine a password\n# only a comment\n", 1, 11, /'password' has no value/],
    ["default account", 1, 9, /'account' has no value/],
    ["macdef\nput\n\n", 1, 1, /'macdef' has no value/],
    ["macdef", 1, 1, /'macdef' has no value/],
    ["login l", 1, 1, /'login' stands before any machine/],
    ["\n# x\n passwd p", 3, 2, /'passwd' stands before any machine/],
    ["machine a\r\nlogin l\r\npasword p", 3, 1, /keyword was expected/],
    ["machine a password two words", 1, 24, /keyword was expected/],
    ['machine a "login" l', 1, 11, /keyword was expected/],
    ['machine a password "never closed', 1, 20, /quote/],
    ['machine a password "never closed\nlogin l"', 1, 20, /quote/],
    ['machine a password "never closed\\', 1, 20, /quote/],
    ['machine a password "never closed\\\nlogin"', 1, 20, /quote/],
    ['machine a password "closed"not', 1, 28, /keyword was expected/],
    ["machine a\npassword x\0y", 2, 11, /NUL/],
    ["\0", 1, 1, /NUL/],
  ];
  for (const [text, line, column, why] of rows) {
    const error = refusal(text);
    assert.deepEqual([error.line, error.column], [line, column], JSON.stringify(text));
    assert.match(error.why, why, JSON.stringify(text));
    assert.equal(error.message, `line ${line}, column ${column}: ${error.why}`);
  }
});

Deno.test("netrc: a long file of one line is read in reasonable time", () => {
  const entries = parseNetrc("machine a login l password p ".repeat(30_000)).entries;
  assert.equal(entries.length, 30_000);
  assert.deepEqual(entries.at(-1)?.password, { text: "p", line: 1, column: 29_999 * 29 + 28 });
});
