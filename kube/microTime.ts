// MicroTime: the API server takes a Lease's and an Event's times with exactly six fractional digits and refuses three,
// which is what a Date is written with (kubernetes#97904).

/** @param ms milliseconds since the epoch */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
