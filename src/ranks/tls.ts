/** Certificates, PEM: one that all ranks have, and who vouches for it. */
export interface RankTls {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
  readonly ca: Uint8Array;
  /** The name in the certificate, where that is not the host's. */
  readonly name?: string | undefined;
}
