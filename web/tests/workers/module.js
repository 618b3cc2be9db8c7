export const answer = () => 6;
