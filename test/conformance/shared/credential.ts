/** The secret that the servers of the suite want when they are behind the proxy: its name in the vault and in a child's environment. */
export const credentialName = 'CONFORMANCE_TOKEN';
