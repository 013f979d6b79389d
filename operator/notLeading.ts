/** The operator was about to write and does not lead: another replica may, so that nothing is written. */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';
}
