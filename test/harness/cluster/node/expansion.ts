// `$(NAME)` in commands, arguments and values, as the kubelet expands it. Pure.

/** `$$` is a dollar sign; a name that is not there stays as it is written. */
export function expand(text: string, variables: Readonly<Partial<Record<string, string>>>): string {
  return text.replaceAll(/\$(?:\$|\(([^()]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (variables[name] ?? whole),
  );
}
