/** Something is wrong with a text that a person has written; whoever knows where it stands makes a failure of it. */
export class Mistake extends Error {
  override readonly name = "Mistake";
  readonly why: string;
  readonly next: string;

  /**
   * @param why What is wrong, in one clause.
   * @param next What to write instead, as one sentence.
   */
  constructor(why: string, next: string) {
    super(why);
    this.why = why;
    this.next = next;
  }
}
