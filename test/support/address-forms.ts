/** Ways to write addresses that nobody's requests may reach, and some that they may. */

export interface AddressForm {
  /** As it stands in a URL. */
  readonly literal: string;
  /** What a name can resolve to; absent where there is no address of its own in the form. */
  readonly address?: string;
}
const both = (address: string): AddressForm => ({ literal: address.includes(":") ? `[${address}]` : address, address });

/** Each of them is the loopback, a metadata service, or a way into one of these. */
export const closedForms: Readonly<Record<string, AddressForm>> = {
  loopback: both("127.0.0.1"),
  "another loopback": both("127.8.8.8"),
  decimal: { literal: "2130706433" },
  octal: { literal: "0177.0.0.1" },
  hexadecimal: { literal: "0x7f000001" },
  "hexadecimal octets": { literal: "0x7f.0x0.0x0.0x1" },
  short: { literal: "127.1" },
  zero: { literal: "0" },
  unspecified: both("0.0.0.0"),
  "a trailing dot": { literal: "127.0.0.1." },
  "full-width digits": { literal: "①②⑦.⓪.⓪.①" },
  "ideographic full stops": { literal: "127。0。0。1" },
  "percent-encoded": { literal: "%31%32%37.0.0.1" },
  "a name for it": { literal: "localhost" },
  "a name for it with a dot": { literal: "LOCALHOST." },
  "below that name": { literal: "a.localhost" },
  metadata: both("169.254.169.254"),
  "metadata in decimal": { literal: "2852039166" },
  "Alibaba's metadata": both("100.100.100.200"),
  "IPv6 loopback": both("::1"),
  "IPv6 unspecified": both("::"),
  "IPv6 metadata": both("fd00:ec2::254"),
  "IPv6 link-local": both("fe80::1"),
  "IPv4-mapped": both("::ffff:169.254.169.254"),
  "IPv4-mapped in hexadecimal": both("::ffff:7f00:1"),
  "IPv4-compatible": both("::a9fe:a9fe"),
  "IPv4-translated": both("::ffff:0:a9fe:a9fe"),
  "6to4": both("2002:a9fe:a9fe::1"),
  NAT64: both("64:ff9b::a9fe:a9fe"),
  "local NAT64": both("64:ff9b:1::a9fe:a9fe"),
  "local NAT64 of 48 bits": both("64:ff9b:1:a9fe:a9:fe00::"),
  Teredo: both("2001:0:a9fe:a9fe::1"),
  "Teredo's client": both("2001:0:101:101::5601:5601"),
  ISATAP: both("2606:4700::5efe:a9fe:a9fe"),
};
/** Addresses that take a policy. */
export const privateForms: Readonly<Record<string, AddressForm>> = {
  "10/8": both("10.20.30.40"),
  "172.16/12": both("172.16.5.5"),
  "192.168/16": both("192.168.7.7"),
  "shared space": both("100.64.3.3"),
  "unique local": both("fd12::1"),
  "IPv4-mapped private": both("::ffff:10.20.30.40"),
  "NAT64 of a private one": both("64:ff9b::a14:1e28"),
  "6to4 of a private one": both("2002:a14:1e28::1"),
};
export const publicForms: Readonly<Record<string, AddressForm>> = {
  IPv4: both("93.184.216.34"),
  "IPv4 in decimal": { literal: "1572395042" },
  "IPv4-mapped public": both("::ffff:93.184.216.34"),
  IPv6: both("2606:4700::1"),
  "NAT64 of a public one": both("64:ff9b::5db8:d822"),
  "6to4 of a public one": both("2002:5db8:d822::1"),
};

/** What a loopback device needs to have so that all of them lead somewhere. */
export const formAddresses: readonly string[] = [closedForms, privateForms, publicForms]
  .flatMap((forms) => Object.values(forms))
  .flatMap(({ address }) =>
    address === undefined || /^(127\.|0\.0\.0\.0$|::$|::1$|::ffff:[^0])/.test(address) ? [] : [address],
  );
