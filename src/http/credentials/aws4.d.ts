/** What this project uses of aws4, which has no types of its own. https://github.com/mhart/aws4 */
declare module "aws4" {
  interface SignedRequest {
    readonly path: string;
    readonly headers: Readonly<Record<string, string | string[]>>;
  }
  interface AWS4 {
    sign(
      request: {
        method: string;
        host: string;
        path: string;
        service: string;
        region: string;
        headers: Record<string, string | string[]>;
        body?: string | Uint8Array;
      },
      credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
    ): SignedRequest;
  }
  const aws4: AWS4;
  export default aws4;
}
