/**
 * The network that an address belongs to, as far as one owner has it: an address of IPv4 is one; of IPv6 the first 64
 * bits are, for a host is commonly given all addresses that begin with them.
 *
 * @param address As the system writes it.
 */
export function networkOf(address: string): string {
  const [, embedded] = /^::ffff:([0-9.]+)$/i.exec(address) ?? [];
  if (embedded !== undefined) return embedded;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().replace(/%.*/, "").split("::", 2);
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  return `${[...first, ...zeros, ...last].slice(0, 4).join(":")}::/64`;
}
