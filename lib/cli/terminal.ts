/** Where the parser writes, and how. */
export interface Terminal {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** How wide the help may be, in columns. */
  readonly columns: number;
}
