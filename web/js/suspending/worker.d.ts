export default function coincide(): any;
